"""Overview: does anything want me today? Each number leads to the list that it counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import zip_longest
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, ngettext

from console import svg
from console.access import for_keepers
from console.tiles import Tile
from delegations.sentence import in_words
from kit import context
from tenants.models import Tenant
from tokens import figures
from tokens.endpoints.request import MemberRequest
from tokens.errors import NotCounted
from tokens.figures import Beginnings, Figures

MOST_WISHES = 3


@dataclass(frozen=True, slots=True)
class Wish:
    """Something that wants somebody: how grave it is, in words, and what to do about it."""

    tone: str
    words: str
    label: str | Promise
    url: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing, and the same for whoever does not see it."""

    svg: SafeString
    rows: Sequence[tuple[str, int, str]]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that a new tenant does once."""

    words: str | Promise
    is_done: bool
    url: str


@for_keepers
def view(request: MemberRequest) -> HttpResponse:
    found = figures.figures(request.tenant)
    content = {
        "tiles": _tiles(found, request),
        "wishes": _wishes(found),
        "has_all_wishes": None not in {found.waiting, found.silent, found.ownerless, found.no_end},
        **_to_begin_with(found, request.tenant),
        "live": _chart(found.live_by_day, svg.area) if found.live_by_day else None,
        "refused": _refused(found, request.tenant),
        "refused_today": found.refused_today,
        "quiet": found.quiet,
        "quiet_url": f"{reverse('console-delegations')}?unused_since=30d",
        "as_of": found.as_of.astimezone(ZoneInfo(request.tenant.time_zone)),
        "reference": context.request_id(),
    }
    return render(request, "console/overview.html", content)


def _tiles(found: Figures, request: MemberRequest) -> list[Tile]:
    delegations = reverse("console-delegations")
    oldest = gettext("nothing waits")
    if found.oldest is not None:
        when = in_words(found.oldest, now=timezone.now(), time_zone=request.tenant.time_zone)
        oldest = gettext("the oldest since %(when)s") % {"when": when}
    made = gettext("%(number)s since yesterday") % {"number": f"+{found.made_today}"}
    no_end = gettext("%(number)s without an end date") % {"number": found.no_end}
    today = _refusals_of(found.as_of.astimezone(ZoneInfo(request.tenant.time_zone)).date(), request.tenant)
    return [
        _tile(gettext_lazy("Waiting for approval"), found.waiting, oldest, reverse("console-approvals")),
        _tile(gettext_lazy("Active delegations"), found.live, made, delegations),
        _tile(gettext_lazy("End within 7 days"), found.ends_soon, no_end, f"{delegations}?ends_before=7d&order=ends"),
        _tile(gettext_lazy("Refused today"), found.refused_today, gettext("requests"), today),
    ]


def _tile(label: Promise | str, number: int | None, note: str, url: str) -> Tile:
    """Return a tile; of what could not be counted it says that, and still leads to the list."""
    return Tile(label, "–", gettext("could not be counted"), url) if number is None else Tile(label, number, note, url)


def _wishes(found: Figures) -> list[Wish]:
    """Return what wants somebody, the worst first, three lines at most."""
    wishes = []
    if found.waiting:
        words = ngettext("%(n)s agent waits for a decision.", "%(n)s agents wait for a decision.", found.waiting)
        wishes.append(Wish("risk", words % {"n": found.waiting}, gettext_lazy("Decide"), reverse("console-approvals")))
    if found.silent:
        words = ngettext(
            "%(n)s issuer gives no keys: what it signs will be refused.",
            "%(n)s issuers give no keys: what they sign will be refused.",
            found.silent,
        )
        wishes.append(
            Wish("risk", words % {"n": found.silent}, gettext_lazy("Look"), f"{reverse('console-trust')}?silent=true")
        )
    if found.ownerless:
        words = ngettext(
            "%(n)s agent acts for people, and nobody answers for it.",
            "%(n)s agents act for people, and nobody answers for them.",
            found.ownerless,
        )
        url = f"{reverse('console-agents')}?no_owner=true&status=active"
        wishes.append(Wish("care", words % {"n": found.ownerless}, gettext_lazy("Look at them"), url))
    if found.no_end:
        words = ngettext("%(n)s delegation has no end.", "%(n)s delegations have no end.", found.no_end)
        url = f"{reverse('console-delegations')}?no_end=true"
        wishes.append(Wish("care", words % {"n": found.no_end}, gettext_lazy("Look at them"), url))
    return wishes[:MOST_WISHES]


def _to_begin_with(found: Figures, tenant: Tenant) -> dict[str, Any]:
    """Return the steps of a new tenant; an old one has none, and of one that nobody could tell it is an old one."""
    if found.has_begun is not False:
        return {"steps": []}
    try:
        # What began stays begun: figures may be a minute old.
        begun = figures.beginnings(tenant)
    except NotCounted:
        return {"steps": [], "has_no_steps": True}
    return {"steps": _steps(begun) if begun else []}


def _steps(begun: Beginnings) -> list[Step]:
    return [
        Step(gettext_lazy("Add the people who work here"), begun.people, reverse("console-members")),
        Step(gettext_lazy("Add the first resource that agents may use"), begun.resource, reverse("console-resources")),
        Step(gettext_lazy("Let the first agent arrive"), begun.agent, reverse("console-ways-in")),
        Step(gettext_lazy("Allow it something"), begun.consent, reverse("console-delegations")),
        Step(gettext_lazy("See its first token"), False, f"{reverse('console-activity')}?event=token.issued"),
    ]


def _refused(found: Figures, tenant: Tenant) -> Chart | None:
    """Draw what was refused, if anything was; each day leads to its refusals."""
    days = found.refused_by_day
    if days is None or not any(number for _, number in days):
        return None
    urls = [_refusals_of(day, tenant) for day, _ in days]
    return _chart(days, partial(svg.bars, urls=urls), urls)


def _refusals_of(day: date, tenant: Tenant) -> str:
    """Return the address of the refusals of one of the tenant's days."""
    zone = ZoneInfo(tenant.time_zone)
    since, until = (datetime.combine(each, time(), tzinfo=zone) for each in (day, day + timedelta(days=1)))
    words = {"refused": "requests", "since": since.isoformat(), "until": until.isoformat()}
    return f"{reverse('console-activity')}?{urlencode(words)}"


def _chart(days: Sequence[tuple[date, int]], draw: Callable[..., SafeString], urls: Sequence[str] = ()) -> Chart:
    ends = {0, len(days) - 1}
    short = gettext("j M")  # A day and the short name of its month, in the letters of Django's formats.
    points = [(date_format(day, short) if at in ends else str(day.day), n) for at, (day, n) in enumerate(days)]
    top, highest = max(days, key=lambda each: each[1])
    label = gettext("Highest %(number)s on %(day)s") % {"number": highest, "day": date_format(top, "MONTH_DAY_FORMAT")}
    named = [(date_format(day, "MONTH_DAY_FORMAT"), number) for day, number in days]
    return Chart(draw(points, label=label), [(*row, url) for row, url in zip_longest(named, urls, fillvalue="")])
