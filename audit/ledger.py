"""Writing, chaining and checking the ledger.

`record` puts an entry into the caller's transaction. The clock seals entries into the tenant's chain in batches: the
digest of a seal covers the digest before it and every field of its entry, so that a row that was changed, removed or
slipped in breaks the chain from there on.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils import timezone

from audit.events import Event
from audit.models import Entry, Seal
from audit.principals import Principal
from kit import context, identifiers, statements

GENESIS = "0" * 64
BATCH = 500
_FIELDS = [field.attname for field in Entry._meta.concrete_fields if field.attname != "id"]

JsonValue = str | int | bool | list[str]


_COLUMNS = [field.attname for field in Entry._meta.concrete_fields]
_TYPED = {"detail": "::jsonb", "at": "::timestamptz"}

Fields = Mapping[str, Any]
"""The columns of an entry that is not written yet."""


@dataclass(frozen=True, slots=True)
class About:
    """What an entry is about, where no row stands for it yet."""

    kind: str
    id: str
    label: str


_NOTHING = About("", "", "")


def record(
    event: Event,
    *,
    by: Principal,
    about: models.Model | None = None,
    on_behalf_of: str = "",
    through: str = "",
    reason: str = "",
    detail: Mapping[str, JsonValue] | None = None,
) -> Entry:
    """Write one entry for the current tenant, in the transaction that is open."""
    what = About(about._meta.model_name or "", str(about.pk), str(about)) if about is not None else _NOTHING
    return Entry.unscoped.create(
        **fields(event, by=by, about=what, on_behalf_of=on_behalf_of, through=through, reason=reason, detail=detail)
    )


def fields(
    event: Event,
    *,
    by: Principal,
    about: About,
    on_behalf_of: str = "",
    through: str = "",
    reason: str = "",
    detail: Mapping[str, JsonValue] | None = None,
) -> Fields:
    """Return the entry of something that the caller writes down itself (`insertion`)."""
    return {
        "id": identifiers.make("evt"),
        "tenant_id": context.require_id(),
        "at": timezone.now(),
        "event": event.value,
        "principal_kind": by.kind.value,
        "principal_id": by.id[:255],
        "principal_label": by.label[:255],
        "on_behalf_of": on_behalf_of,
        "through": through,
        "about_kind": about.kind,
        "about_id": about.id,
        "about_label": about.label[:512],
        "reason": reason[:512],
        "request_id": context.request_id(),
        "detail": dict(detail or {}),
    }


def insertion(entry: Fields, *, of: str = "") -> tuple[str, list[object]]:
    """Return the statement that writes an entry, and its values; with `of`, once for each row of that query."""
    written = {
        **entry,
        "at": statements.written_moment(entry["at"]),
        "detail": statements.written_json(entry["detail"]),
    }
    return _insertion(of), [written[name] for name in _COLUMNS]


@lru_cache
def _insertion(of: str) -> str:
    casts = [_TYPED.get(name, "") if statements.is_postgresql() else "" for name in _COLUMNS]
    selected = ", ".join(f"%s{cast}" for cast in casts)
    return f"INSERT INTO {Entry._meta.db_table} ({', '.join(_COLUMNS)}) SELECT {selected}{f' FROM {of}' if of else ''}"


def seal(tenant_id: str, *, using: str) -> int:
    """Chain up to one batch of unsealed entries; return how many. A lost race seals nothing and says 0."""
    last = Seal.unscoped.using(using).filter(tenant_id=tenant_id).order_by("-sequence").first()
    sequence, digest = (last.sequence, last.digest) if last else (0, GENESIS)
    seals = []
    for entry in _unsealed(tenant_id, using=using)[:BATCH]:
        sequence += 1
        digest = _link(digest, entry)
        seals.append(Seal(tenant_id=tenant_id, sequence=sequence, entry_id=entry.pk, digest=digest))
    try:
        with transaction.atomic(using=using):
            Seal.unscoped.using(using).bulk_create(seals)
    except IntegrityError:
        return 0
    return len(seals)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check of one tenant's chain saw: seals that hold, entries still unsealed, and the first bad sequence."""

    sealed: int
    unsealed: int
    broken_at: int | None = None
    why: str = ""


def verify(tenant_id: str, *, using: str) -> Finding:
    """Walk a tenant's chain from its beginning and say what holds."""
    digest, expected = GENESIS, 0
    for link in _chain(tenant_id, using=using):
        expected += 1
        entry = Entry.unscoped.using(using).filter(pk=link.entry_id, tenant_id=tenant_id).first()
        if link.sequence != expected:
            return Finding(expected - 1, 0, expected, "a seal is missing")
        if entry is None:
            return Finding(expected - 1, 0, expected, f"entry {link.entry_id} is gone")
        digest = _link(digest, entry)
        if digest != link.digest:
            return Finding(expected - 1, 0, expected, f"entry {link.entry_id} was changed")
    return Finding(expected, _unsealed(tenant_id, using=using).count())


def _unsealed(tenant_id: str, *, using: str) -> "models.QuerySet[Entry]":
    sealed = Seal.unscoped.using(using).filter(entry_id=models.OuterRef("pk"))
    entries = Entry.unscoped.using(using).filter(tenant_id=tenant_id)
    return entries.filter(~models.Exists(sealed)).order_by("pk")


def _chain(tenant_id: str, *, using: str) -> Iterator[Seal]:
    return Seal.unscoped.using(using).filter(tenant_id=tenant_id).order_by("sequence").iterator(chunk_size=BATCH)


def _link(previous: str, entry: Entry) -> str:
    values = {name: getattr(entry, name) for name in _FIELDS}
    values["at"] = entry.at.isoformat()
    body = json.dumps({"id": entry.pk, **values}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{previous}{body}".encode()).hexdigest()
