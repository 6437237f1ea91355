"""The ledger as a file: one line an entry, newest first, read in batches while it is sent."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
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


def lines(
    tenant: context.HasId,
    entries: "QuerySet[Entry]",
    form: str,
    *,
    columns: Sequence[str] = COLUMNS,
    row: "Callable[[Entry], Mapping[str, Any]] | None" = None,
) -> Iterator[bytes]:
    """Return the lines of a file; every batch enters the tenant anew, because the request is over by then."""
    write, read = _WRITERS[form], row or written
    if form == "csv":
        yield spreadsheet.row(columns)
    last, rest = "", MOST
    while rest > 0:
        with context.use(tenant):
            batch = list((entries.filter(pk__lt=last) if last else entries).order_by("-pk")[: min(BATCH, rest)])
        yield b"".join(write(read(entry)) for entry in batch)
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


def _as_json(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"


def _as_csv(row: Mapping[str, Any]) -> bytes:
    cells = (json.dumps(each, ensure_ascii=False) if isinstance(each, dict) else each for each in row.values())
    return spreadsheet.row(cells)


_WRITERS: dict[str, Callable[[Mapping[str, Any]], bytes]] = {"csv": _as_csv, "jsonl": _as_json}
