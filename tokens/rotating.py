"""Rotating by hand: what it would do and who has not fetched the key that would sign, read first; and doing it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max

from audit.principals import Principal
from tokens import fetchers, rotation, signed
from tokens.errors import NotKnownYet
from tokens.models import KeyFetch, SigningKey
from tokens.signed import Share


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The key that would sign, from when it may; how many programs fetch keys, and which of them have not got it; and
    how many tokens that are good now were signed by the key in its place.
    """

    key: SigningKey
    ready_at: datetime
    programs: int
    missing: Sequence[KeyFetch]
    good_tokens: int

    def as_json(self) -> Mapping[str, Any]:
        missing = [{"program": each.program, "network": each.network, "last_at": each.last_at} for each in self.missing]
        return {
            "key": self.key.pk,
            "ready_at": self.ready_at,
            "programs": self.programs,
            "missing": missing,
            "good_tokens": self.good_tokens,
        }


def known_after(now: datetime) -> timedelta:
    """Return how long after it was published everybody has a key.

    The longest pause between two fetches that was seen of anybody is the longest that they kept a set; longer than the
    clock itself waits nobody is waited for.
    """
    longest = fetchers.seen(now).aggregate(longest=Max("longest_pause"))["longest"] or timedelta()
    return min(max(rotation.KNOWN_AFTER, longest), rotation.PUBLISHED_AHEAD)


def foresee(algorithm: str, *, now: datetime) -> Foreseen:
    """Return what letting the next key sign would do; raises NotKnownYet where there is none."""
    key, active = rotation.next_key(algorithm), rotation.active_key(algorithm)
    if key is None:
        raise NotKnownYet(None)
    seen = list(fetchers.seen(now)[: fetchers.MOST])
    return weigh(key, active, seen, signed.shares(now), known_after=known_after(now))


def weigh(
    key: SigningKey,
    active: SigningKey | None,
    seen: Sequence[KeyFetch],
    shares: Mapping[str, Share],
    *,
    known_after: timedelta,
) -> Foreseen:
    """Return the same from what was read already."""
    share = shares.get(active.kid) if active else None
    return Foreseen(
        key,
        ready_at=key.created_at + known_after,
        programs=len(seen),
        missing=[each for each in seen if not fetchers.has(each, key)],
        good_tokens=share.tokens if share else 0,
    )


def rotate(algorithm: str, *, now: datetime, by: Principal, reason: str) -> SigningKey:
    """Let the next key sign from now on; raises NotKnownYet while somebody may not have it."""
    return rotation.rotate_now(algorithm, now=now, by=by, known_after=known_after(now), reason=reason)
