"""In which language a person reads: what they chose, and what was heard of their browser."""

from django.conf import settings
from django.db import transaction

from audit.events import Event
from audit.ledger import record
from audit.principals import Principal
from kit.languages import is_known
from tenants.errors import Unusable
from tenants.models import Membership, User


@transaction.atomic
def choose(member: Membership, language: str, *, by: Principal) -> None:
    """Choose what a person reads, wherever they have a place; "" leaves it to their browser. Raises Unusable."""
    if language and not is_known(language):
        raise Unusable("language")
    User.objects.filter(pk=member.user_id).update(language=language)
    record(Event.LANGUAGE_CHOSEN, by=by, about=member, detail={"language": language})


def hear(user: User, language: str) -> None:
    """Keep what a browser asked for, so that mail to somebody who chose nothing is in it too."""
    if (user.browser_language or settings.LANGUAGE_CODE) != language:
        User.objects.filter(pk=user.pk).update(browser_language=language)
