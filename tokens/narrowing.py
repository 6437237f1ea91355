"""Making a delegation smaller, and what that did in numbers that hold: the receipt, before or after.

Refresh, exchange and introspection ask what the delegation holds each time: for them the cut is now. A server that
checks a JWT by itself goes by what the token says, to its last second; only those count that say more than is left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.principals import Principal
from delegations import narrowing, putting_back
from delegations.models import Ancestry, Delegation
from delegations.narrowing import Cut
from delegations.putting_back import Back
from delegations.rules import Limits
from tenants.rules import LONGEST_ACCESS_TOKEN
from tokens import receipts, records
from tokens.across import recall
from tokens.models import AccessToken
from tokens.receipts import ITSELF, Remainder

NAMED = 100
"""How many parts a receipt names; it counts them all."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What was cut at `at`, of a delegation and of its parts, and which tokens say more than is left of them."""

    at: datetime
    cuts: tuple[Cut, ...]
    remainders: tuple[Remainder, ...]

    @property
    def own(self) -> Cut:
        return self.cuts[0]

    @property
    def until(self) -> datetime | None:
        """When the last token dies that somebody may still accept for more, or None."""
        return max((each.until for each in self.remainders if each.checks == ITSELF), default=None)

    def as_json(self) -> dict[str, Any]:
        parts = self.cuts[1:]
        return {
            **_cut(self.own),
            "narrowed_at": self.at.isoformat(),
            "parts_narrowed": sum(not each.ends for each in parts),
            "parts_ended": sum(each.ends for each in parts),
            "parts": [{**_cut(each), "ended": each.ends} for each in parts[:NAMED]],
            "tokens": [each.as_json() for each in self.remainders],
            "time_to_zero": ceil((self.until - self.at).total_seconds()) if self.until else 0,
        }


@dataclass(frozen=True, slots=True)
class PutBack:
    """What was given back at `at`: to a delegation, and to its parts that had lost it by the same act."""

    at: datetime
    backs: tuple[Back, ...]

    @property
    def own(self) -> Back:
        return self.backs[0]

    def as_json(self) -> dict[str, Any]:
        parts = self.backs[1:]
        return {
            **_back(self.own),
            "put_back_at": self.at.isoformat(),
            "parts_put_back": sum(each.anew is None for each in parts),
            "parts_made_anew": sum(each.anew is not None for each in parts),
            "parts": [_back(each) for each in parts[:NAMED]],
        }


@transaction.atomic
def narrow_delegation(
    delegation: Delegation, limits: Limits, *, by: Principal, reason: str = "", version: int | None = None
) -> Narrowed:
    """Make a delegation, everything below it and what stands on it in other tenants smaller, never wider or longer.

    Raises Stale, DelegationOver, DelegationWidened, NothingLeft or AsItWas.
    """
    written: list[Narrowed] = []

    def account(cuts: Sequence[Cut]) -> Mapping[str, Any]:
        written.append(_receipt(cuts, now=timezone.now()))
        return {"receipt": written[0].as_json()}

    narrowing.narrow(delegation, limits, by=by, reason=reason, version=version, account=account)
    # What stands elsewhere is made anew by the next assertion, which says no more than is left.
    recall.withdraw([written[0].own.was])
    return written[0]


def put_back(delegation: Delegation, *, by: Principal, version: int | None = None) -> PutBack:
    """Take back, within ten minutes, that this person made a delegation smaller.

    Raises TooLateToUndo, Stale or AsItWas. What stands elsewhere grows by the next assertion, which says more again.
    """
    written: list[PutBack] = []
    undone = records.narrowed_of(delegation)

    def account(backs: Sequence[Back]) -> Mapping[str, Any]:
        written.append(PutBack(timezone.now(), tuple(backs)))
        return {"receipt": written[0].as_json(), "undoes": undone.pk if undone else ""}

    putting_back.put_back(delegation, by=by, version=version, account=account)
    return written[0]


def preview(delegation: Delegation, limits: Limits, *, now: datetime) -> Narrowed:
    """Return what limits would cut at this moment; raises as `narrow_delegation`, but for Stale."""
    return _receipt(narrowing.plan(delegation, limits, now=now), now=now)


def _receipt(cuts: Sequence[Cut], *, now: datetime) -> Narrowed:
    return Narrowed(now, tuple(cuts), _say_more(cuts, now))


def _say_more(cuts: Sequence[Cut], now: datetime) -> tuple[Remainder, ...]:
    """Return the unexpired tokens that say more than is left of their delegations, by server."""
    cut_of = {each.was.pk: each for each in cuts}
    own = cuts[0].was.pk
    below = Ancestry.objects.filter(ancestor=own).values("delegation")
    hung = Delegation.objects.filter(pk=own).values("pk").union(below)
    recent = AccessToken.objects.filter(
        delegation__in=hung, created__gte=now - timedelta(seconds=LONGEST_ACCESS_TOKEN), expires__gt=now
    )
    found: dict[str, tuple[int, datetime]] = {}
    rows = recent.order_by().values_list("delegation_id", "audience", "scope", "expires")
    for delegation_id, audience, scope, expires in rows.iterator(chunk_size=1000):
        cut = cut_of.get(delegation_id)
        if cut is not None and _is_wider(cut, frozenset(scope.split()), expires):
            number, latest = found.get(audience, (0, expires))
            found[audience] = (number + 1, max(latest, expires))
    return tuple(
        Remainder(audience, receipts.checks(audience), number, latest)
        for audience, (number, latest) in sorted(found.items())
    )


def _is_wider(cut: Cut, scopes: frozenset[str], expires: datetime) -> bool:
    is_longer = cut.left.expires_at is not None and expires > cut.left.expires_at
    return bool(scopes & cut.taken) or is_longer


def _cut(cut: Cut) -> dict[str, Any]:
    ends = cut.left.expires_at
    return {
        "delegation": cut.was.pk,
        "scopes": sorted(cut.left.scopes),
        "taken": sorted(cut.taken),
        "expires_at": ends.isoformat() if ends else None,
    }


def _back(back: Back) -> dict[str, Any]:
    ends = back.now.expires_at
    named = back.anew or back.found
    return {
        "delegation": named.pk,
        "scopes": sorted(back.now.scopes),
        "given": sorted(back.given),
        "expires_at": ends.isoformat() if ends else None,
    }
