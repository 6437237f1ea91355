"""Versions as entity tags: whoever changes something may say which state of it they read (RFC 9110 §13.1.1)."""

import re

from rest_framework.request import Request

_TAG = re.compile(r'"?(\d{1,18})"?')
NEVER = 0
"""A version that nothing has: what the caller read is not of this product, or not of this thing."""


def tag(version: int) -> dict[str, str]:
    """Return the header that names a version."""
    return {"ETag": f'"{version}"'}


def read_by(request: Request) -> int | None:
    """Return the version that the caller read, or None where they do not say."""
    text = request.headers.get("If-Match", "").strip()
    if text in {"", "*"}:
        return None
    found = _TAG.fullmatch(text)
    return int(found[1]) if found else NEVER
