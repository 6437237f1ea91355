"""Strict reading of `application/x-www-form-urlencoded`: what is ambiguous is refused, not guessed.

OAuth 2.1 §3.2: parameters must not repeat (but `resource`, RFC 8707 §2), an empty value counts as absent.
"""

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from kit.oauth import InvalidRequest, TooLarge

MAX_BODY = 64 * 1024
MAX_PARAMETERS = 100
REPEATABLE = frozenset({"resource", "audience"})

Form = Mapping[str, tuple[str, ...]]


def parse(encoded: bytes) -> Form:
    """Return each parameter's values; raises InvalidRequest, or TooLarge over 64 KiB."""
    if len(encoded) > MAX_BODY:
        raise TooLarge(f"{len(encoded)} bytes")
    pairs = encoded.split(b"&") if encoded else []
    if len(pairs) > MAX_PARAMETERS:
        raise InvalidRequest(f"{len(pairs)} parameters")
    seen: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        raw_name, _, raw_value = pair.partition(b"=")
        name, value = _decode(raw_name), _decode(raw_value)
        if name in seen and name not in REPEATABLE:
            raise InvalidRequest(f"repeated parameter {name!r}")
        seen[name] = (*seen.get(name, ()), value)
    present = {name: tuple(value for value in values if value) for name, values in seen.items()}
    return {name: values for name, values in present.items() if name and values}


def _decode(raw: bytes) -> str:
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequest("a parameter is not UTF-8") from error
    if "\x00" in text:
        raise InvalidRequest("a parameter holds a NUL")
    return text
