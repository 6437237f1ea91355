"""A list of delegations as a file: every row of the filter, newest first, read in batches while it is sent."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.http import StreamingHttpResponse

from kit import context, spreadsheet
from notices import exporting, table
from tenants.models import Tenant

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from tokens.impact import UsedDelegation

BATCH = 500


def answer(tenant: Tenant, rows: "QuerySet[UsedDelegation]", form: str) -> StreamingHttpResponse:
    """Return the file; it is written while it is sent."""
    written = _as_csv(tenant, rows) if form == "csv" else _as_json(tenant, rows)
    name = f'attachment; filename="delegations-{tenant.slug}.{form}"'
    return StreamingHttpResponse(written, content_type=exporting.TYPES[form], headers={"Content-Disposition": name})


def _as_csv(tenant: Tenant, rows: "QuerySet[UsedDelegation]") -> Iterator[bytes]:
    yield spreadsheet.row(table.COLUMNS)
    for batch in _batches(tenant, rows):
        yield b"".join(table.csv(row) for row in batch)


def _as_json(tenant: Tenant, rows: "QuerySet[UsedDelegation]") -> Iterator[str]:
    yield "["
    before = "\n"
    for batch in _batches(tenant, rows):
        for row in batch:
            yield before + table.as_json(row)
            before = ",\n"
    yield "\n]\n"


def _batches(tenant: Tenant, rows: "QuerySet[UsedDelegation]") -> Iterator[list[Mapping[str, Any]]]:
    """Return the rows in batches; each enters the tenant anew, because the request is over by then."""
    last = ""
    while True:
        with context.use(tenant):
            found = list((rows.filter(pk__lt=last) if last else rows).order_by("-pk")[:BATCH])
            batch = [table.row(each) for each in found]
        yield batch
        if len(found) < BATCH:
            return
        last = found[-1].pk
