"""Time-ordered, prefixed identifiers: `agt_…`, `dlg_…`, `evt_…`.

The part behind the prefix is a UUIDv7 (RFC 9562, section 5.7) in Crockford's base 32: 26 characters that sort by time,
so that primary keys grow at the right edge of their index.
"""

import re
import secrets
import time
from datetime import UTC, datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS = range(120, -1, -10)
_WRITTEN = re.compile(r"[a-z]{3}_([0-7][0-9a-hjkmnp-tv-z]{25})")
LENGTH = 30
"""The longest identifier: a three-letter prefix, an underscore and 26 characters."""


def make(prefix: str) -> str:
    """Return a new identifier with this three-letter prefix."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    # A quarter of a microsecond (RFC 9562, section 6.2, method 3): entries of one transaction keep their order.
    fraction = (rest << 12) // 1_000_000
    number = (milliseconds & ((1 << 48) - 1)) << 80
    number |= 0x7 << 76 | fraction << 64
    number |= 0b10 << 62 | secrets.randbits(62)
    return _written(prefix, number)


def at(prefix: str, moment: datetime) -> str:
    """Return what every identifier of a moment, and of any later one, is not before."""
    return _written(prefix, (max(int(moment.timestamp() * 1000), 0) & ((1 << 48) - 1)) << 80)


def moment(identifier: str) -> datetime | None:
    """Return when an identifier was made, or None of what is none."""
    found = _WRITTEN.fullmatch(identifier)
    if found is None:
        return None
    number = 0
    for letter in found[1]:
        number = number << 5 | _ALPHABET.index(letter)
    return datetime.fromtimestamp((number >> 80) / 1000, tz=UTC)


def is_one(text: str) -> bool:
    """Say whether a text is written as an identifier is."""
    return _WRITTEN.fullmatch(text) is not None


def _written(prefix: str, number: int) -> str:
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"
