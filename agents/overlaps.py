"""When one credential follows another: the old one goes on for some days from the first use of the new one.

Counted from the use and not from the making: whoever rotates puts the new one where the agent reads it, and has time
from when that worked. The clock ends it (`agents.turning`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.utils.translation import gettext

from agents.errors import Unusable
from agents.models import Client, CredentialStory
from audit.ledger import JsonValue

USUAL, MOST = 7, 90
"""Days that are proposed, and as many as there may be."""
_BY_HAND: Mapping[str, Any] = {"successor": "", "overlap_days": None}


class Held(Protocol):
    """A credential that a client has already."""

    @property
    def id(self) -> str: ...

    @property
    def is_usable(self) -> bool: ...


def arrange(client: Client, held: Iterable[Held], successor: str, days: int | None) -> dict[str, JsonValue]:
    """Let the usable ones of these end so many days after the first use of another; return what the ledger says of it.

    Without days they stay until somebody retires them. What ends already keeps its day. Raises Unusable.
    """
    if days is None:
        return {}
    if not 1 <= days <= MOST:
        raise Unusable(gettext("What came before goes on for 1 to %(most)s days.") % {"most": MOST})
    before = [each.id for each in held if each.is_usable and each.id != successor]
    ends = [each for each in before if _let_end(client, each, successor, days)]
    return {"ends": [*ends], "days_after_first_use": days} if ends else {}


def came(client: Client, credential: str, *, now: datetime) -> None:
    """Keep when a key was added: it does not say so itself. What was known of it, had it been there before, is over."""
    fresh = {"made_at": now, "first_used_at": None, "last_used_at": None, **_BY_HAND}
    CredentialStory.objects.update_or_create(client=client, credential=credential, defaults=fresh)


def forget(client: Client, credential: str = "") -> None:
    """Forget what was known of a credential that is gone, or of all.

    What was to end behind it ends behind what follows it, so that one that never came into use keeps nothing alive;
    by hand where nothing does.
    """
    mine = CredentialStory.objects.filter(client=client)
    if not credential:
        mine.delete()
        return
    gone = mine.filter(credential=credential).exclude(overlap_days=None).first()
    mine.filter(successor=credential).update(**{"successor": gone.successor} if gone else _BY_HAND)
    mine.filter(credential=credential).delete()


def stories(clients: Collection[Client]) -> Mapping[str, Mapping[str, CredentialStory]]:
    """Return what is known of the credentials of some clients, by client and credential."""
    found: dict[str, dict[str, CredentialStory]] = defaultdict(dict)
    for each in CredentialStory.objects.filter(client__in=clients):
        found[each.client_id][each.credential] = each
    return found


def ends_at(story: CredentialStory, known: Mapping[str, CredentialStory]) -> datetime | None:
    """Return when a credential ends, once what follows it was used; None where that is not so, or nobody said it."""
    following = known.get(story.successor)
    if story.overlap_days is None or following is None or following.first_used_at is None:
        return None
    return following.first_used_at + timedelta(days=story.overlap_days)


def _let_end(client: Client, credential: str, successor: str, days: int) -> bool:
    story, _ = CredentialStory.objects.get_or_create(client=client, credential=credential)
    mine = CredentialStory.objects.filter(pk=story.pk, overlap_days=None)
    return bool(mine.update(successor=successor, overlap_days=days))
