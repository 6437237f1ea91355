"""Making a delegation smaller while it lives: scopes are taken away, or an earlier end is set; never the other way.

What was handed on of it is cut in the same transaction, so that no row says more than what it hangs on. Tokens that are
out need not be told: introspection, exchange and refresh ask for what their delegation holds (`tokens`). What a part,
or what stands on an organisation's word, lost by somebody's hand, it does not get back by the next request: a part not
before the person agrees anew.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from audit.events import Event
from audit.principals import Principal
from delegations.actions import note
from delegations.models import READ, Delegation
from delegations.rules import Bounds, Limits, bounds, lessen, within
from kit import context, statements
from tenants import directory
from tenants.errors import Stale

EMPTIED = "nothing was left of it"
_TRIES = 5
_BELOW = (
    f"SELECT {READ.listed('d')} FROM delegations_ancestry y JOIN delegations_delegation d ON d.id = y.delegation_id "
    "WHERE y.ancestor_id = %s AND y.tenant_id = %s ORDER BY d.depth, d.id"
)


@dataclass(frozen=True, slots=True)
class Cut:
    """A delegation as it was, and what is left of it; without a scope it ends."""

    was: Delegation
    left: Bounds

    @property
    def taken(self) -> frozenset[str]:
        return self.was.scope_set - self.left.scopes

    @property
    def ends(self) -> bool:
        return not self.left.scopes


Account = Callable[[Sequence[Cut]], Mapping[str, Any]]


def plan(delegation: Delegation, limits: Limits, *, now: datetime) -> tuple[Cut, ...]:
    """Return what limits would cut, the delegation's own cut first; raises as `rules.lessen`."""
    return _cuts(delegation, lessen(delegation, limits, now=now), _below(delegation))


def narrow(
    delegation: Delegation, limits: Limits, *, by: Principal, reason: str, version: int | None, account: Account
) -> tuple[Cut, ...]:
    """Make a delegation and all that hangs on it as small as limits say; return what was cut.

    `version` is the one that the caller read, None is whatever there is. `account` is called once the cut stands, for
    what the ledger keeps beside it. Raises Stale, or as `rules.lessen`.
    """
    for _ in range(_TRIES):
        found = Delegation.objects.get(pk=delegation.pk)
        if version is not None and version != found.version:
            raise Stale(found)
        cuts = _narrow(found, limits, by=by, reason=reason, account=account)
        if cuts:
            return cuts
    raise Stale(delegation)


@transaction.atomic
def _narrow(
    found: Delegation, limits: Limits, *, by: Principal, reason: str, account: Account
) -> tuple[Cut, ...] | None:
    """Narrow a delegation as it was read; None where it changed since, and nothing was written."""
    now = timezone.now()
    left = lessen(found, limits, now=now)
    is_shorter = left.expires_at != found.expires_at
    changed = Delegation.objects.filter(pk=found.pk, version=found.version, ended_at=None).update(
        scopes=sorted(left.scopes),
        expires_at=left.expires_at,
        withheld=sorted((found.withheld_set | found.scope_set) - left.scopes),
        narrowed_at=now,
        shortened_by=by.id if is_shorter else found.shortened_by,
        version=F("version") + 1,
        cut=_kept(found, by),
        **_before(now),
    )
    if not changed:
        return None
    # Asked once the row is held: nothing is handed on below it any more until this is committed.
    cuts = _cuts(found, left, _below(found, held=True))
    _write(cuts[1:], now, by=by)
    note(Event.DELEGATION_NARROWED, found, by=by, reason=reason, detail=account(cuts))
    return cuts


def _below(delegation: Delegation, *, held: bool = False) -> list[Delegation]:
    """Return all that hangs on a delegation, what is nearer first; held, from the top down."""
    lock = " FOR NO KEY UPDATE OF d" if held and statements.is_postgresql() else ""
    return [READ.read(row) for row in statements.every(f"{_BELOW}{lock}", [delegation.pk, context.require_id()])]


def _cuts(delegation: Delegation, left: Bounds, below: Sequence[Delegation]) -> tuple[Cut, ...]:
    known = {delegation.pk: (delegation, left)}
    cuts = [Cut(delegation, left)]
    for part in below:
        parent, above = known[str(part.parent_id)]
        found = within(part, parent, above, directory.downstream(parent.audience, part.audience))
        if above.scopes == parent.scope_set:
            # Of what nothing was taken, nothing is taken below: a word that was taken back may come again.
            found = Bounds(part.scope_set, found.expires_at)
        known[part.pk] = part, found
        if part.ended_at is None and found != bounds(part):
            cuts.append(Cut(part, found))
    return tuple(cuts)


def _write(cuts: Sequence[Cut], now: datetime, *, by: Principal) -> None:
    """Write what is left of parts, in as many statements as there are different rests."""
    alike: dict[Bounds, list[str]] = defaultdict(list)
    for cut in cuts:
        alike[cut.left].append(cut.was.pk)
    for left, ids in alike.items():
        over: dict[str, Any] = {} if left.scopes else {"ended_at": now, "ended_by": by.id, "ended_reason": EMPTIED}
        kept = {"scopes": sorted(left.scopes)} if left.scopes else {}
        Delegation.objects.filter(pk__in=ids).update(
            expires_at=left.expires_at, version=F("version") + 1, cut=None, **_before(now), **kept, **over
        )


def _before(now: datetime) -> dict[str, Any]:
    """Return what a row keeps of what it was, so that it can be put back (`delegations.putting_back`)."""
    was = {"scopes_before": F("scopes"), "ends_before": F("expires_at")}
    return {**was, "cut_at": now, "cut_version": F("version") + 1}


def _kept(found: Delegation, by: Principal) -> dict[str, Any]:
    return {
        "by": by.id,
        "withheld": sorted(found.withheld),
        "shortened_by": found.shortened_by,
        "narrowed_at": found.narrowed_at.isoformat() if found.narrowed_at else None,
    }
