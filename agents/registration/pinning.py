"""Which keys of a client are pinned, and when all of them were swapped at once.

Whoever rotates leaves the old key beside the new one for a while. So a set in which one pinned key remains is the same
client's, and a new key in it is pinned once it has stood there for a day: to swap all keys in two steps takes a day in
which the ledger tells of the first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kit import jwks
from kit.jwks import BadKeys

STANDS = timedelta(days=1)
Pins = Mapping[str, int]
"""From when on a key counts as pinned, in seconds since the epoch, by its thumbprint."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of a client's keys: the pins as they are now, and both sets in words."""

    pins: dict[str, int]
    is_swapped: bool
    before: str
    after: str


def moved(pins: Pins, kept: Mapping[str, Any], found: Mapping[str, Any], *, now: datetime) -> Moved:
    """Judge a set that takes the place of the one that was kept; keys of which nothing is pinned yet all are."""
    before, after, moment = _thumbprints(kept), _thumbprints(found), int(now.timestamp())
    known = pins or dict.fromkeys(before, moment)
    counting = {each for each, since in known.items() if since <= moment}
    is_swapped = bool(counting) and not counting & after.keys()
    if is_swapped or not counting:
        return Moved(dict.fromkeys(after, moment), is_swapped, in_words(kept), in_words(found))
    later = moment + int(STANDS.total_seconds())
    return Moved({each: known.get(each, later) for each in after}, False, in_words(kept), in_words(found))


def in_words(document: Mapping[str, Any]) -> str:
    """Return keys so that a person can compare them: the algorithm, and the beginning of the thumbprint."""
    found = _thumbprints(document)
    return ", ".join(sorted(f"{algorithm} {each[:16]}" for each, algorithm in found.items()))


def _thumbprints(document: Mapping[str, Any]) -> dict[str, str]:
    try:
        return jwks.thumbprints(jwks.parse(document)) if document else {}
    except BadKeys:
        return {}
