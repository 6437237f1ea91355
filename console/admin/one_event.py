"""One entry of the ledger: what it says, what was noted with it, and what happened in its request and its chain."""

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from audit import export
from audit.models import Entry
from console.access import for_act
from console.event_rows import event_rows
from console.proof_words import in_words
from delegations.lines import chain_of
from kit import identifiers
from tenants.roles import Act
from tokens.endpoints.request import MemberRequest

NEAR = timedelta(minutes=1)
"""How far around an entry others of its request are looked for: by id, which grows with time and has the index."""
MOST, LATEST = 50, 20


@for_act(Act.EVENTS_READ)
def view(request: MemberRequest, event_id: str) -> HttpResponse:
    entry = get_object_or_404(Entry, pk=event_id)
    others, along = _with(entry), _along(entry)
    zone = ZoneInfo(request.tenant.time_zone)
    row, *further = event_rows([entry, *others, *along], zone)
    content = {
        "row": row,
        "entry": entry,
        "proof": in_words(entry.proof),
        "proved_at": entry.proved_at.astimezone(zone) if entry.proved_at else None,
        "rows": further[: len(others)],
        "chain": further[len(others) :],
        "raw": json.dumps(export.written(entry), indent=2, ensure_ascii=False),
    }
    return render(request, "console/event.html", content)


def _with(entry: Entry) -> list[Entry]:
    """Return what else happened in the same request."""
    if not entry.request_id:
        return []
    since, until = (identifiers.at("evt", entry.at + step) for step in (-NEAR, NEAR))
    near = Entry.objects.filter(pk__gte=since, pk__lt=until, request_id=entry.request_id).exclude(pk=entry.pk)
    return list(near.order_by("pk")[:MOST])


def _along(entry: Entry) -> list[Entry]:
    """Return what happened last to the delegations of the same chain; what is in the same request stands there."""
    named = entry.about_id if entry.about_kind == "delegation" else entry.detail.get("delegation", "")
    if not isinstance(named, str) or not named:
        return []
    chain = {named, *chain_of(named)}
    about = Entry.objects.filter(about_kind="delegation", about_id__in=chain).exclude(pk=entry.pk)
    if entry.request_id:
        about = about.exclude(request_id=entry.request_id)
    return list(about.order_by("-pk")[:LATEST])
