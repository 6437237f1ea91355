"""What happened since somebody opened the activity: asked for every two seconds, while they watch."""

import re
from itertools import groupby
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from audit.models import Entry
from console.access import for_act
from console.event_rows import event_rows
from delegations.event_filters import EventFilter
from tenants.roles import Act
from tokens.endpoints.request import MemberRequest

MOST = 50
"""How many entries one answer holds; the next one goes on where it ended."""
_ENTRY = re.compile(r"evt_[0-9a-z]{26}")


def url(narrowed: str, newest: str) -> str:
    """Return where what is newer than an entry is asked for, narrowed by the words of an address."""
    return f"{reverse('newer-activity')}{narrowed or '?'}{'&' if narrowed else ''}after={newest}"


@require_GET
@for_act(Act.EVENTS_READ)
def newer(request: MemberRequest) -> HttpResponse:
    """Return the lines that stand above an entry, or 204: only what is newer than it is read."""
    words = request.GET.copy()
    after = words.pop("after", [""])[-1]
    found = EventFilter(words, Entry.objects.filter(pk__gt=after))
    if not _ENTRY.fullmatch(after) or not found.is_valid():
        return HttpResponse(status=400)
    entries = list(found.qs.order_by("pk")[:MOST])[::-1]
    if not entries:
        return HttpResponse(status=204)
    zone = ZoneInfo(request.tenant.time_zone)
    rows = event_rows(entries, zone)
    before = Entry.objects.filter(pk=after).values_list("at", flat=True).first()
    day_before = before.astimezone(zone).date() if before else None
    narrowed = f"?{words.urlencode()}" if words else ""
    content = {
        "days": [(day, list(each)) for day, each in groupby(rows, key=lambda row: row["day"])],
        "day_before": day_before if day_before != rows[-1]["day"] else None,
        "tail_url": url(narrowed, entries[0].pk),
        "said": ngettext("%(number)s new entry.", "%(number)s new entries.", len(rows)) % {"number": len(rows)},
    }
    return render(request, "console/newer.html", content)
