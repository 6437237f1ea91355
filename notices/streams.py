"""A list as a file that is written while it is sent: every row of the filter, newest first, read in batches."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kit import context, spreadsheet
from notices import table
from notices.lists import List

if TYPE_CHECKING:
    from django.db.models import QuerySet

BATCH, MOST = 500, 10_000
"""`MOST` rows are written while somebody waits; what is longer is written by the clock (`exporting`)."""
STREAMED = ("agents", "approvals", "members", "resources")
"""The lists that one rule writes. Events and delegations have doors of their own, with more to say."""


def is_too_long(rows: "QuerySet[Any]") -> bool:
    """Say whether there are more rows than somebody waits for."""
    return rows.order_by()[: MOST + 1].count() > MOST


def pieces(tenant: context.HasId, which: List, rows: "QuerySet[Any]", form: str) -> Iterator[bytes]:
    """Return the file of some rows in pieces; an empty one has its header."""
    batches = _batches(tenant, which, rows)
    if form == "csv":
        yield spreadsheet.row(which.columns)
        for batch in batches:
            yield b"".join(map(table.csv, batch))
        return
    yield b"["
    before = "\n"
    for batch in batches:
        for row in batch:
            yield (before + table.as_json(row)).encode()
            before = ",\n"
    yield b"\n]\n"


def _batches(tenant: context.HasId, which: List, rows: "QuerySet[Any]") -> Iterator[list[Mapping[str, Any]]]:
    """Return the rows in batches; each enters the tenant anew, because the request is over by then."""
    last = ""
    while True:
        with context.use(tenant):
            found = list((rows.filter(pk__lt=last) if last else rows).order_by("-pk")[:BATCH])
            batch = which.written(found)
        yield batch
        if len(found) < BATCH:
            return
        last = found[-1].pk
