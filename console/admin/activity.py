"""Activity: who did what, for whom, through which agent; narrowed, and had as a file."""

from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from audit import chain, export, ledger
from audit.events import Event
from audit.models import Entry
from console import saved
from console.access import for_act, principal
from console.admin import tail
from console.event_rows import event_rows
from console.exports import ENOUGH_AT_WORK
from console.narrowing import Chip, Narrowing, narrowing
from console.paging import MOVES, page
from delegations.event_filters import EventFilter
from delegations.sentence import in_words
from notices import exporting, selecting
from notices.errors import EnoughAtWork, TooLong
from tenants import told
from tenants.models import Membership
from tenants.roles import Act, may
from tokens.checking import history
from tokens.endpoints.request import MemberRequest

FIELDS = ("q", "event", "since", "until", "refused")
FURTHER = ("who", "person", "agent", "resource", "object", "address", "request")
CHIPS = (
    Chip(_("Refused requests"), {"refused": "requests"}),
    Chip(_("Decisions"), {"event": "approval.*"}),
    Chip(_("Access"), {"event": "delegation.*"}),
    Chip(_("Keys"), {"event": "key.*"}),
    Chip(_("Settings"), {"event": "tenant.*"}),
)
TOO_LONG_AT_ALL = _("That is more than %(most)s entries, which no file takes. Narrow it by time.")
WIDER = timedelta(days=30)
TOO_LONG = _("That is more than %(most)s entries. Narrow it by time, or have it written while you do something else.")


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
        said = TOO_LONG % {"most": number_format(export.MOST, force_grouping=True)}
        return _show(request, said=said if found.is_valid() else "", status=422)
    asked = [f"{name}: {value}" for name, value in sorted(request.GET.items())]
    taken = ledger.record(Event.EVENTS_EXPORTED, by=principal(request), detail={"asked": asked})
    lines = export.lines(request.tenant, found.qs.filter(pk__lte=taken.pk), form)
    name = {"Content-Disposition": f'attachment; filename="events.{form}"'}
    return StreamingHttpResponse(lines, content_type=export.TYPES[form], headers=name)


@require_POST
@for_act(Act.EVENTS_READ)
def write(request: MemberRequest, form: str) -> HttpResponse:
    """Let all that is asked for be written into a file, as long work."""
    if form not in exporting.TYPES:
        raise Http404
    found = EventFilter(request.GET, Entry.objects.all())
    if not found.is_valid():
        return _show(request, status=422)
    words = {name: value for name, value in request.GET.dict().items() if value and name in found.form.fields}
    who, by = request.member, principal(request)
    try:
        job = exporting.ask(found.qs, form, selection=words, member=who, by=by, noun="events")
    except TooLong:
        said = TOO_LONG_AT_ALL % {"most": number_format(exporting.MOST, force_grouping=True)}
        return _show(request, said=said, status=422)
    except EnoughAtWork:
        return _show(request, said=ENOUGH_AT_WORK % {"most": selecting.AT_ONCE}, status=422)
    return redirect("job", job.pk)


def _show(request: MemberRequest, *, said: str = "", status: int = 200) -> HttpResponse:
    chips = (*CHIPS, Chip(_("By me"), {"who": request.member.pk}))
    asked = narrowing(request, EventFilter, Entry.objects.all(), shown=FIELDS, further=FURTHER, chips=chips)
    content = {
        "chain": (reach := chain.sealed()),
        "inspection": (seen := reach.walk),
        "reached": _moment(seen.reached_at, request) if seen and seen.reached_at else "",
        "said": said,
        "zone": request.tenant.time_zone,
        "saved": saved.above(request, "events"),
    }
    return render(request, "console/activity.html", {**content, **listed(request, asked)}, status=status)


def _moment(at: datetime, request: MemberRequest) -> str:
    return in_words(at, now=timezone.now(), time_zone=request.tenant.time_zone)


def listed(request: MemberRequest, asked: Narrowing, *, is_own: bool = False) -> dict[str, Any]:
    """Return a page of what is asked for, day by day, with what narrows it and its pager.

    To whoever may not read everybody's activity, it leads nowhere but to the reasons that are theirs to read; and a
    page that is somebody's own (`is_own`) is the same for everybody.
    """
    entries, pager = page(request, asked.rows)
    is_closed = is_own or not may(request.member, Act.EVENTS_READ)
    if is_own:
        entries = [told.as_read_by(request.member, each) for each in entries]
    rows = event_rows(entries, ZoneInfo(request.tenant.time_zone))
    if is_closed:
        rows = _closed(rows, request.member)
    days = [(day, list(each)) for day, each in groupby(rows, key=lambda row: row["day"])]
    is_first = not any(name in request.GET for name in MOVES)
    return {
        "days": days,
        "rows": rows,
        "narrowing": asked,
        "tail_url": tail.url(asked.request, entries[0].pk) if entries and is_first and not is_closed else "",
        "is_closed": is_closed,
        "wider_url": _wider(request, timezone.now()),
        **pager,
    }


def _closed(rows: list[dict[str, Any]], member: Membership) -> list[dict[str, Any]]:
    refused = [row["id"] for row in rows if row["has_why"]]
    readable = (
        set(history.refusals_for(member).filter(pk__in=refused).values_list("pk", flat=True)) if refused else set()
    )
    return [{**row, "is_closed": True, "has_why": row["id"] in readable} for row in rows]


def _wider(request: MemberRequest, now: datetime) -> str:
    """Return the address of the same question for the last 30 days, where it asks for less time than that."""
    query = request.GET.copy()
    if not (query.get("since") or query.get("until")):
        return ""
    for name in ("until", *MOVES):
        query.pop(name, None)
    query["since"] = (now - WIDER).isoformat(timespec="seconds")
    return f"?{query.urlencode()}"
