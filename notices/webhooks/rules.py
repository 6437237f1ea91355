"""What may be told to whom, and when it is tried again."""

import random
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from audit.events import Event
from kit.fetch import is_fetchable
from tenants.errors import Unusable

MOST_WORDS = 60
_OF_EACH_REQUEST = frozenset({
    Event.TOKEN_ISSUED, Event.ASSERTION_ISSUED, Event.TOKEN_IMPERSONATED, Event.TOKEN_REFUSED, Event.TOKEN_DEFERRED,
    Event.DEFERRAL_CANCELLED, Event.TOKEN_REVOKED, Event.AUTHORIZATION_REFUSED, Event.CLIENT_REFUSED, Event.CHECK_RUN,
    Event.SIGNED_IN, Event.SIGNED_IN_AGAIN, Event.SIGN_IN_REFUSED, Event.SIGNED_OUT,
})  # fmt: skip
TOLD = tuple(event.value for event in Event if event not in _OF_EACH_REQUEST)
"""What webhooks are told: all but what every request writes down, as often as any stranger likes. That is read."""
CHANGED: Mapping[str, frozenset[str]] = {
    "delegation.changed": frozenset({Event.DELEGATION_NARROWED.value, Event.DELEGATION_PUT_BACK.value}),
    "trust.changed": frozenset(
        event.value for event in Event if event.value.startswith("trust.") and event != Event.ISSUER_KEYS_ASKED
    ),
}
"""Words for what several events say together. Whoever names one is told of them under that word."""
FAMILIES = tuple(sorted({f"{name.partition('.')[0]}.*" for name in TOLD}))

PAUSES = tuple(timedelta(minutes=each) for each in (0.5, 2, 10, 30, 90, 240, 480, 587.5))
"""Before each further try; a day in all."""
MOST_TRIES = len(PAUSES) + 1
DAY = timedelta(hours=24)
FIRST_REST, LONGEST_REST = timedelta(seconds=30), timedelta(minutes=10)


def check(url: str, events: Sequence[str], *, on_loopback: Collection[str]) -> None:
    """Check what a person said of a webhook; raises Unusable. `on_loopback` are hosts of development (`host:port`)."""
    parts = urlsplit(url) if is_fetchable(url) else None
    if parts is None or (parts.hostname == "localhost" and parts.netloc not in on_loopback):
        raise Unusable("An address is a plain https URL with a public host name, like https://hooks.example.com/remit.")
    if not 0 < len(events) <= MOST_WORDS:
        raise Unusable(f"Name 1 to {MOST_WORDS} events.")
    if unknown := sorted(set(events) - set(TOLD) - set(FAMILIES) - set(CHANGED)):
        raise Unusable(f"Webhooks are not told of: {unknown[0][:60]}.")


def covers(events: Collection[str], name: str) -> bool:
    """Say whether the words of a webhook name an event; no word names what is not told."""
    return name in TOLD and (told_as(events, name) in events or f"{name.partition('.')[0]}.*" in events)


def told_as(events: Collection[str], name: str) -> str:
    """Return the word by which a webhook of these words is told of an event: its own name, unless they name another."""
    return next((word for word, names in CHANGED.items() if word in events and name in names), name)


def is_taken(status: int) -> bool:
    """Say whether whoever answered took it. A redirect leads to where nobody looked, and is a failure."""
    return 200 <= status < 300


def pause_after(tries: int) -> timedelta:
    """Return how long to wait after so many tries, never exactly as long as others do."""
    spread = random.uniform(1.0, 1.1)  # noqa: S311 - It spreads load, and keeps no secret.
    return timedelta(seconds=PAUSES[tries - 1].total_seconds() * spread)


def rest_after(failures: int) -> timedelta:
    """Return for how long an address is left alone that took nothing so often in a row."""
    return min(FIRST_REST * int(2 ** min(failures - 1, 10)), LONGEST_REST)
