"""What was done in my name, and with my place here: read by its person alone, whatever their role."""

from functools import partial
from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from audit import export, ledger
from audit.events import Event
from console.access import for_members, principal
from console.admin.activity import listed
from console.narrowing import Chip, narrowing
from delegations.event_filters import OwnEventFilter
from tenants import told
from tokens.endpoints.request import MemberRequest

FIELDS = ("event", "since", "until", "refused")
CHIPS = (
    Chip(_("Refused requests"), {"refused": "requests"}),
    Chip(_("Access"), {"event": "delegation.*"}),
    Chip(_("Sign-ins"), {"event": "login.*"}),
    Chip(_("With the tokens of a week"), {"tokens": "true"}),
)
TOO_LONG = _("That is more than %(most)s entries. Narrow it by time.")


@require_GET
@for_members
def listing(request: MemberRequest) -> HttpResponse:
    return _show(request)


@require_GET
@for_members
def download(request: MemberRequest, form: str) -> Any:  # What is streamed is no HttpResponse.
    if form not in export.TYPES:
        raise Http404
    found = OwnEventFilter(request.GET, told.of(request.member))
    if not found.is_valid() or export.is_too_long(found.qs):
        said = TOO_LONG % {"most": number_format(export.MOST, force_grouping=True)}
        return _show(request, said=said if found.is_valid() else "", status=422)
    asked = [f"{name}: {value}" for name, value in sorted(request.GET.items())]
    with transaction.atomic():
        about, by = request.member, principal(request)
        taken = ledger.record(Event.EVENTS_EXPORTED, by=by, about=about, detail={"asked": asked})
    rows = found.qs.filter(pk__lte=taken.pk)
    row = partial(told.row, request.member)
    lines = export.lines(request.tenant, rows, form, columns=told.COLUMNS, row=row)
    name = {"Content-Disposition": f'attachment; filename="my-events.{form}"'}
    return StreamingHttpResponse(lines, content_type=export.TYPES[form], headers=name)


def _show(request: MemberRequest, *, said: str = "", status: int = 200) -> HttpResponse:
    asked = narrowing(request, OwnEventFilter, told.of(request.member), shown=FIELDS, chips=CHIPS)
    content = {"said": said, "zone": request.tenant.time_zone, **listed(request, asked, is_own=True)}
    return render(request, "me/activity.html", content, status=status)
