"""Keys of an issuer that changed in a way somebody should look at: whoever has them can say anything in its name.

An issuer that renews its keys has the old and the new ones side by side for a while. Where none of those that it had is
left, or another key stands under a name that one of them had, somebody may have put theirs in the place of its own: so
the ledger says it, whoever looks after trust is told, and its page says so until one of them has looked. It is believed
all the same: a key that leaked is exchanged in no other way.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from audit.events import Event
from audit.ledger import JsonValue, record
from audit.principals import SYSTEM, Principal
from kit.jose import Keys
from tenants.errors import Stale
from trust.errors import Unusable
from trust.models import TrustedIssuer


def has(before: Keys, after: Keys) -> bool:
    """Say whether keys were swapped: none is left of those before, or a name stands for another key."""
    known, found = _named(before), _named(after)
    if not known:
        return False
    is_renamed = any(found[kid] != known[kid] for kid in known.keys() & found.keys())
    return is_renamed or not set(known.values()) & set(found.values())


def note(issuer: TrustedIssuer, before: Keys, after: Keys) -> None:
    """Write down that an issuer's keys were swapped, in the transaction that is open: with both, by thumbprint."""
    detail: dict[str, JsonValue] = {
        "issuer": issuer.issuer,
        "before": _lines(before),
        "after": _lines(after),
    }
    record(Event.ISSUER_KEYS_SWAPPED, by=SYSTEM, about=issuer, detail=detail)


@transaction.atomic
def confirm(issuer: TrustedIssuer, *, by: Principal, seen: datetime | None = None) -> TrustedIssuer:
    """Say that somebody looked at the keys that it has since `seen`, or as it was read. Raises Unusable or Stale."""
    if issuer.keys_swapped_at is None or issuer.removed_at is not None:
        raise Unusable(_("Nobody waits for somebody to look at its keys."))
    at = seen or issuer.keys_swapped_at
    same = TrustedIssuer.objects.filter(pk=issuer.pk, removed_at=None, keys_swapped_at=at)
    if not same.update(keys_swapped_at=None):
        raise Stale(issuer)
    said: dict[str, JsonValue] = {"issuer": issuer.issuer, "swapped_at": at.isoformat()}
    record(Event.ISSUER_KEYS_CONFIRMED, by=by, about=issuer, detail=said)
    return TrustedIssuer.objects.get(pk=issuer.pk)


def moment(before: Keys, after: Keys, *, now: datetime) -> dict[str, datetime]:
    """Return what an issuer's row keeps of it besides its keys; nothing where they were not swapped."""
    return {"keys_swapped_at": now} if has(before, after) else {}


def _named(keys: Keys) -> dict[str, str]:
    return {kid: str(key.thumbprint()) for kid, (_algorithm, key) in keys.items()}


def _lines(keys: Keys) -> list[dict[str, str]]:
    return [{"kid": kid[:200], "thumbprint": thumbprint} for kid, thumbprint in sorted(_named(keys).items())]
