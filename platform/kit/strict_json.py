"""JSON objects from strangers: bounded in size and depth, no repeated members, and nothing that cannot be stored.

No NaN and no number that overflows, no NUL, no half of a surrogate pair: PostgreSQL's jsonb refuses them.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

MAX_DEPTH = 8
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def parse_object(raw: bytes, *, limit: int = 64 * 1024, deepest: int = MAX_DEPTH) -> Mapping[str, Any]:
    """Return a JSON object; raises ValueError whose message is fit for the log."""
    if len(raw) > limit:
        raise ValueError("too large")
    # What opens no more often than that is not deeper either, and need not be walked through.
    if raw.count(b"{") + raw.count(b"[") > deepest and _depth(raw) > deepest:
        raise ValueError("too deep")
    try:
        text = raw.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_refuse)
    except (UnicodeDecodeError, RecursionError) as error:
        raise ValueError("not JSON in UTF-8") from error
    if not isinstance(value, dict):
        raise ValueError("not an object")
    written = json.dumps(value, ensure_ascii=False, allow_nan=False)
    written.encode()  # UnicodeEncodeError, a ValueError, for half of a surrogate pair.
    if "\\u0000" in written:
        raise ValueError("holds a NUL")
    return value


def _depth(raw: bytes) -> int:
    # A text may hold a document of its own, which is not of this one.
    depth = deepest = 0
    for byte in _STRING.sub(b"", raw):
        if byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    return deepest


def _without_repeats(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("repeated member")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
