"""The verbs of initial access tokens (RFC 7591 §3): an admin makes one, hands it on, and takes it back."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from agents.errors import NotActive, Unusable
from agents.models import RegistrationToken
from audit.events import Event
from audit.ledger import JsonValue, record
from audit.principals import Principal
from kit import opaque
from tenants.models import Membership

MOST_USES = 10_000
LONGEST = timedelta(days=365)
USUAL = timedelta(days=7)


@transaction.atomic
def make(
    name: str,
    *,
    by: Principal,
    made_by: Membership | None = None,
    uses: int = 1,
    expires_at: datetime | None = None,
) -> tuple[RegistrationToken, str]:
    """Return a token's row and the token, shown this once; raises Unusable."""
    now = timezone.now()
    until = expires_at or now + USUAL
    if not 1 <= uses <= MOST_USES:
        raise Unusable(_("A token is good for 1 to %(most_uses)s registrations.") % {"most_uses": MOST_USES})
    if not now < until <= now + LONGEST:
        raise Unusable(_("A token expires within a year, and not in the past."))
    secret = opaque.make()
    made = RegistrationToken.objects.create(
        name=name, digest=opaque.digest(secret), uses=uses, uses_left=uses, expires_at=until, made_by=made_by
    )
    told: dict[str, JsonValue] = {"uses": uses, "expires_at": until.isoformat()}
    record(Event.REGISTRATION_TOKEN_MADE, by=by, about=made, detail=told)
    return made, secret


@transaction.atomic
def revoke(token: RegistrationToken, *, by: Principal) -> None:
    """Take a token back; who registered by it stays. Raises NotActive."""
    if not RegistrationToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        raise NotActive(token.pk)
    record(Event.REGISTRATION_TOKEN_REVOKED, by=by, about=token)


def good(secret: str, *, now: datetime) -> RegistrationToken | None:
    """Return the token that this is, if it is good now; whether it still is decides the UPDATE that uses it."""
    found = RegistrationToken.objects.filter(digest=opaque.digest(secret), uses_left__gt=0, revoked_at=None)
    return found.filter(expires_at__gt=now).first()
