"""The ledger as a file: one line an entry, newest first, read in batches while it is sent."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import QuerySet

from audit.models import Entry
from kit import context, spreadsheet

MOST, BATCH = 10_000, 500
COLUMNS = (
    "id", "at", "event", "principal_kind", "principal_id", "principal_label", "on_behalf_of", "through", "about_kind",
    "about_id", "about_label", "reason", "request_id", "network", "proof", "proved_at", "detail",
)  # fmt: skip
TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


def lines(tenant: context.HasId, entries: "QuerySet[Entry]", form: str) -> Iterator[bytes]:
    """Return the lines of a file; every batch enters the tenant anew, because the request is over by then."""
    write = _WRITERS[form]
    if form == "csv":
        yield spreadsheet.row(COLUMNS)
    last, rest = "", MOST
    while rest > 0:
        with context.use(tenant):
            batch = list((entries.filter(pk__lt=last) if last else entries).order_by("-pk")[: min(BATCH, rest)])
        yield b"".join(write(entry) for entry in batch)
        rest -= len(batch)
        if len(batch) < BATCH:
            return
        last = batch[-1].pk


def is_too_long(entries: "QuerySet[Entry]") -> bool:
    """Say whether a file would have to leave entries out."""
    return entries.order_by()[: MOST + 1].count() > MOST


def written(entry: Entry) -> dict[str, Any]:
    """Return an entry as everybody outside reads it."""
    moments = {"at": entry.at.isoformat(), "proved_at": entry.proved_at.isoformat() if entry.proved_at else None}
    return {name: getattr(entry, name) for name in COLUMNS} | moments


def _as_json(entry: Entry) -> bytes:
    return json.dumps(written(entry), ensure_ascii=False).encode() + b"\n"


def _as_csv(entry: Entry) -> bytes:
    cells = written(entry) | {"detail": json.dumps(entry.detail, ensure_ascii=False)}
    return spreadsheet.row([cells[name] for name in COLUMNS])


_WRITERS: dict[str, Callable[[Entry], bytes]] = {"csv": _as_csv, "jsonl": _as_json}
