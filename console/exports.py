"""A list as a file: every row of the filter, newest first, read in batches while it is sent."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import Http404, StreamingHttpResponse

from audit.events import Event
from audit.ledger import record
from console.access import principal
from console.narrowing import Narrowing
from kit import context, spreadsheet
from notices import exporting, table
from tenants.models import Tenant
from tokens.endpoints.request import MemberRequest

if TYPE_CHECKING:
    from django.db.models import QuerySet

BATCH = 500


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a list is called in its file's name, its columns, and how one row of it is written in them."""

    name: str
    columns: Sequence[str]
    row: Callable[[Any], Mapping[str, Any]]
    event: Event = Event.LIST_EXPORTED


DELEGATIONS = Sheet("delegations", table.COLUMNS, table.row, Event.DELEGATIONS_EXPORTED)


def take(
    request: MemberRequest,
    form: str,
    asked: Narrowing,
    sheet: Sheet,
    *,
    dress: "Callable[[QuerySet[Any]], QuerySet[Any]]" = lambda rows: rows,
) -> StreamingHttpResponse:
    """Return the file of a list as it is narrowed, and write down who took it; `dress` is as in `console.paging`."""
    if form not in exporting.TYPES:
        raise Http404
    detail: dict[str, str | int] = {"filter": asked.query, "form": form, "rows": asked.rows.order_by().count()}
    if sheet.event == Event.LIST_EXPORTED:
        detail["list"] = sheet.name
    with transaction.atomic():
        record(sheet.event, by=principal(request), about=request.tenant, detail=detail)
    written = (_as_csv if form == exporting.CSV else _as_json)(request.tenant, dress(asked.rows), sheet)
    name = f'attachment; filename="{sheet.name}-{request.tenant.slug}.{form}"'
    return StreamingHttpResponse(written, content_type=exporting.TYPES[form], headers={"Content-Disposition": name})


def _as_csv(tenant: Tenant, rows: "QuerySet[Any]", sheet: Sheet) -> Iterator[bytes]:
    yield spreadsheet.row(sheet.columns)
    for batch in _batches(tenant, rows, sheet):
        yield b"".join(table.csv(row) for row in batch)


def _as_json(tenant: Tenant, rows: "QuerySet[Any]", sheet: Sheet) -> Iterator[str]:
    yield "["
    before = "\n"
    for batch in _batches(tenant, rows, sheet):
        for row in batch:
            yield before + table.as_json(row)
            before = ",\n"
    yield "\n]\n"


def _batches(tenant: Tenant, rows: "QuerySet[Any]", sheet: Sheet) -> Iterator[list[Mapping[str, Any]]]:
    """Return the rows in batches; each enters the tenant anew, because the request is over by then."""
    last = ""
    while True:
        with context.use(tenant):
            found = list((rows.filter(pk__lt=last) if last else rows).order_by("-pk")[:BATCH])
            batch = [sheet.row(each) for each in found]
        yield batch
        if len(found) < BATCH:
            return
        last = found[-1].pk
