"""What a seal says of its entry: the digest of everything up to it, and of every field of its own."""

import hashlib
import json

from audit.models import Entry

_FIELDS = [field.attname for field in Entry._meta.concrete_fields if field.attname != "id"]
_LATER = ("network", "proof", "proved_at")
"""Columns that came when chains were there: empty, they are no part of a digest, so that older entries keep theirs."""


def link(previous: str, entry: Entry) -> str:
    """Return the digest of an entry behind the digest before it."""
    values = {name: getattr(entry, name) for name in _FIELDS}
    values["at"] = entry.at.isoformat()
    values["proved_at"] = entry.proved_at.isoformat() if entry.proved_at else None
    said = {name: value for name, value in values.items() if value or name not in _LATER}
    body = json.dumps({"id": entry.pk, **said}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{previous}{body}".encode()).hexdigest()
