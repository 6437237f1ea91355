"""What the clock will do to a tenant's keys, by its policy as it is now: when each is published, signs, and is gone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tokens import keys, rotation
from tokens.models import SigningKey

Status = SigningKey.Status


@dataclass(frozen=True, slots=True)
class Life:
    """One key from its publication to its end; `kid` is empty where the clock has yet to make it."""

    algorithm: str
    kid: str
    published_at: datetime
    signs_at: datetime
    retires_at: datetime
    gone_at: datetime


def ahead(published: Iterable[SigningKey], *, now: datetime) -> list[Life]:
    """Return for each algorithm the key that signs, the next one, and the one after it."""
    standing = {(key.algorithm, Status(key.status)): key for key in published}
    found: list[Life] = []
    for algorithm in keys.ALGORITHMS:
        found += _lives(
            algorithm, standing.get((algorithm, Status.ACTIVE)), standing.get((algorithm, Status.NEXT)), now
        )
    return found


def _lives(algorithm: str, active: SigningKey | None, following: SigningKey | None, now: datetime) -> list[Life]:
    made_at = following.created_at if following else now
    # Nobody can sign: then the clock waits for nothing.
    turns_at = max(now, rotation.due(algorithm, active, now, published=made_at)) if active else now
    # A key that is due makes way for one that is published in the same moment.
    after_at = turns_at + max(rotation.life(algorithm), rotation.PUBLISHED_AHEAD)
    kid = following.kid if following else ""
    lives = [_life(algorithm, active.kid, active.created_at, active.activate_at, turns_at)] if active else []
    lives.append(_life(algorithm, kid, made_at, turns_at, after_at))
    return [*lives, _life(algorithm, "", turns_at, after_at, after_at + (after_at - turns_at))]


def _life(algorithm: str, kid: str, published_at: datetime, signs_at: datetime, retires_at: datetime) -> Life:
    return Life(algorithm, kid, published_at, signs_at, retires_at, retires_at + rotation.KEPT_AFTER)
