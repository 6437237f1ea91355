"""A list as a file: every row of the filter, written while it is sent."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from django.db import transaction
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET

from audit.ledger import record
from console.access import for_act, principal
from notices import exporting, lists, streams
from tenants.models import Tenant
from tokens.endpoints.request import MemberRequest

if TYPE_CHECKING:
    from django.db.models import QuerySet


def answer(tenant: Tenant, noun: str, rows: "QuerySet[Any]", form: str) -> HttpResponse:
    """Return the file of some rows, dressed as the list has them."""
    written = streams.pieces(tenant, lists.REGISTRY[noun], rows, form)
    name = f'attachment; filename="{noun}-{tenant.slug}.{form}"'
    headers = {"Content-Disposition": name}
    # A page as far as who may open it goes.
    return cast(HttpResponse, StreamingHttpResponse(written, content_type=exporting.TYPES[form], headers=headers))


def download(noun: str) -> Callable[..., HttpResponse]:
    """Return the view that gives a list away, for whoever may read it."""
    which = lists.REGISTRY[noun]

    @require_GET
    @for_act(which.act)
    def export(request: MemberRequest, form: str) -> HttpResponse:
        if form not in exporting.TYPES:
            raise Http404
        narrowed = which.filter(request.GET, which.dressed())
        if not narrowed.is_valid():
            # The list says what is wrong.
            return redirect(f"{request.path.partition('/export/')[0]}?{request.GET.urlencode()}")
        detail: dict[str, str | int] = {"list": noun, "filter": request.GET.urlencode(), "form": form}
        with transaction.atomic():
            detail["rows"] = narrowed.qs.order_by().count()
            record(which.event, by=principal(request), about=request.tenant, detail=detail)
        return answer(request.tenant, noun, narrowed.qs, form)

    return export
