"""Client ids that are URLs: what may be one (Client ID Metadata Documents, draft -02 §3)."""

import re
from urllib.parse import unquote, urlsplit

from kit import fetch

LONGEST = 255
_DOTS = re.compile(r"/\.{1,2}(?:/|$)")


def is_document(client_id: str) -> bool:
    """Say whether a client id is a Client Identifier URL (§3): https, a path, no dot segments, nothing hidden."""
    if not client_id.startswith("https://") or len(client_id) > LONGEST or not fetch.is_fetchable(client_id):
        return False
    # The raw string is judged: a URL parser would fold `/a/../b`, also where the dots are percent-encoded.
    path = urlsplit(client_id).path
    return path not in {"", "/"} and not _DOTS.search(unquote(path)) and not _DOTS.search(unquote(unquote(path)))
