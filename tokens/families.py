"""Refresh tokens in their written form, and which generation of their family one is.

`<family>.<generation>.<secret>`; each secret is the HMAC of the one before, under a key derived from the sealing key.
The database holds the digest of the current secret only. Any genuine ancestor can be walked forwards to it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from delegations.models import Delegation
from kit import opaque, sealing
from kit.oauth import InvalidGrant, Replayed
from tokens.models import RefreshToken
from tokens.values import Grace, Rotation

GRACE = timedelta(seconds=10)
_MAX_WALK = 20_000


@dataclass(frozen=True, slots=True)
class Parsed:
    """A refresh token as it was sent; nothing of it is believed yet."""

    family_id: str
    generation: int
    unverified_secret: str


def written(family_id: str, generation: int, secret: str) -> str:
    """Return the token that a client keeps."""
    return f"{family_id}.{generation}.{secret}"


def parse(token: str) -> Parsed | None:
    """Return the parts of a refresh token, or None where it is not one."""
    family_id, _, rest = token.partition(".")
    generation, _, secret = rest.partition(".")
    if not family_id.startswith("rtf_") or not generation.isdecimal() or len(generation) > 9 or not secret:
        return None
    return Parsed(family_id, int(generation), secret[:128]) if token.isascii() else None


def successor(secret: str) -> str:
    """Return the next secret of a family."""
    return opaque.successor(secret, sealing.derive(settings.SEALING_KEYS[0], "refresh chain"))


def judge(parsed: Parsed, family: RefreshToken, *, now: datetime) -> Rotation | Grace:
    """Say what presenting this token means; raises InvalidGrant, or Replayed for a genuine ancestor.

    Within ten seconds the direct parent gets the same successor again (architecture, refresh): an answer that was
    lost must not lock an agent out.
    """
    current = walk(parsed, family)
    if current is None:
        raise InvalidGrant(f"{family.pk}: not a token of this family")
    age = family.generation - parsed.generation
    if age == 0:
        return Rotation(family.pk, family.generation, successor(current))
    if age == 1 and now - family.rotated_at <= GRACE:
        return Grace(family.pk, family.generation, current)
    raise Replayed(f"{family.pk}: generation {parsed.generation} came back", family=family.pk)


def is_over(family: RefreshToken, *, now: datetime) -> bool:
    """Say whether a family outlived its idle or its absolute life."""
    idle = timedelta(days=settings.REFRESH_IDLE_DAYS)
    return now - family.rotated_at > idle or (family.expires is not None and family.expires <= now)


def lives(delegations: Iterable[Delegation], until: datetime | None, *, now: datetime) -> tuple[int, int | None]:
    """Return for how many seconds a refresh token may be held, and for how many the person's word is good, or None.

    Of several delegations the one counts that ends first: from then on something is missing. A token is never held for
    longer than that (rt-expiration).
    """
    ends = [each.expires_at for each in delegations if each.expires_at is not None and not each.is_over(now)]
    authorized = min(ends) if ends else None
    idle = now + timedelta(days=settings.REFRESH_IDLE_DAYS)
    held = min(end for end in (idle, until, authorized) if end is not None)
    seconds = [None if end is None else max(int((end - now).total_seconds()), 0) for end in (held, authorized)]
    return seconds[0] or 0, seconds[1]


def walk(parsed: Parsed, family: RefreshToken) -> str | None:
    """Return the current secret if the token is genuine, of whatever generation; None otherwise."""
    steps = family.generation - parsed.generation
    if steps < 0 or steps > _MAX_WALK or not family.digest:
        return None
    secret = parsed.unverified_secret
    for _ in range(steps):
        secret = successor(secret)
    return secret if opaque.same(opaque.digest(secret), family.digest) else None
