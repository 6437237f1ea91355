"""Activity: who did what, for whom, through which agent; narrowed, and had as a file."""

from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from audit import export, ledger
from audit.events import Event
from audit.filters import EventFilter
from audit.models import Entry
from console.access import for_act, principal
from console.event_words import words
from console.paging import page
from tenants.roles import Act
from tokens.checking import history
from tokens.endpoints.request import MemberRequest

TOO_LONG = _("That is more than %(most)s entries. Narrow it by time, and have the file in parts.")


@for_act(Act.EVENTS_READ)
def listing(request: MemberRequest) -> HttpResponse:
    return _show(request)


@require_GET
@for_act(Act.EVENTS_READ)
def download(request: MemberRequest, form: str) -> Any:  # What is streamed is no HttpResponse.
    if form not in export.TYPES:
        raise Http404
    found = EventFilter(request.GET, Entry.objects.all())
    if not found.is_valid() or export.is_too_long(found.qs):
        return _show(request, said=TOO_LONG % {"most": number_format(export.MOST, force_grouping=True)}, status=422)
    asked = [f"{name}: {value}" for name, value in sorted(request.GET.items())]
    taken = ledger.record(Event.EVENTS_EXPORTED, by=principal(request), detail={"asked": asked})
    lines = export.lines(request.tenant, found.qs.filter(pk__lte=taken.pk), form)
    name = {"Content-Disposition": f'attachment; filename="events.{form}"'}
    return StreamingHttpResponse(lines, content_type=export.TYPES[form], headers=name)


def _show(request: MemberRequest, *, said: str = "", status: int = 200) -> HttpResponse:
    found = EventFilter(request.GET, Entry.objects.all())
    shown, pager = listed(request, found)
    content = {
        "filter_form": found.form,
        "query": request.GET.urlencode(),
        "chain": ledger.sealed(),
        "said": said,
    }
    return render(request, "console/activity.html", {**content, **shown, **pager}, status=status)


def listed(request: MemberRequest, found: EventFilter) -> tuple[dict[str, Any], dict[str, object]]:
    """Return a page of what a filter finds, day by day, with the words that narrow nothing; and its pager."""
    rows, pager = page(request, found.qs if found.is_valid() else Entry.objects.none())
    zone = ZoneInfo(request.tenant.time_zone)
    shown = [_row(entry, zone) for entry in rows]
    days = [(day, list(entries)) for day, entries in groupby(shown, key=lambda row: row["day"])]
    unknown = ", ".join(sorted(set(request.GET) - set(found.filters) - {"before", "after"}))
    return {"days": days, "rows": shown, "unknown": unknown}, pager


def _row(entry: Entry, zone: ZoneInfo) -> dict[str, Any]:
    at = entry.at.astimezone(zone)
    return {
        "id": entry.pk,
        "at": at,
        "day": at.date(),
        "who": entry.principal_label or entry.principal_id,
        "kind": entry.principal_kind,
        "words": words(entry.event),
        "event": entry.event,
        "about": entry.about_label,
        "reason": entry.reason,
        "for_whom": entry.on_behalf_of,
        "request_id": entry.request_id,
        "has_why": entry.event in history.REFUSALS,
    }
