"""Overview: does anything want me today? Each number leads to the list that it counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
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
from tokens import figures
from tokens.endpoints.request import MemberRequest
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
    rows: Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that a new tenant does once."""

    words: str | Promise
    is_done: bool


@for_keepers
def view(request: MemberRequest) -> HttpResponse:
    found = figures.figures(request.tenant)
    # What began stays begun: figures may be a minute old.
    begun = None if found.has_begun else figures.beginnings(request.tenant)
    content = {
        "tiles": _tiles(found, request),
        "wishes": _wishes(found),
        "steps": _steps(begun) if begun else [],
        "live": _chart(found.live_by_day, svg.area),
        "refused": _chart(found.refused_by_day, svg.bars) if any(n for _, n in found.refused_by_day) else None,
        "quiet": found.quiet,
        "quiet_url": f"{reverse('console-delegations')}?unused_since=30d",
        "activity_url": f"{reverse('console-activity')}?refused=requests",
        "as_of": found.as_of,
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
    return [
        Tile(gettext_lazy("Waiting for approval"), found.waiting, oldest, reverse("console-approvals")),
        Tile(gettext_lazy("Active delegations"), found.live, made, delegations),
        Tile(gettext_lazy("End within 7 days"), found.ends_soon, no_end, f"{delegations}?ends_before=7d&order=ends"),
        Tile(gettext_lazy("Refused today"), found.refused_today, gettext("requests"), _refused(found, request)),
    ]


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


def _steps(begun: Beginnings) -> list[Step]:
    return [
        Step(gettext_lazy("Add the people who work here"), begun.people),
        Step(gettext_lazy("Add the first resource that agents may use"), begun.resource),
        Step(gettext_lazy("Let the first agent arrive"), begun.agent),
        Step(gettext_lazy("Allow it something"), begun.consent),
        Step(gettext_lazy("See its first token"), False),
    ]


def _chart(days: Sequence[tuple[date, int]], draw: Callable[..., SafeString]) -> Chart:
    ends = {0, len(days) - 1}
    short = gettext("j M")  # A day and the short name of its month, in the letters of Django's formats.
    points = [(date_format(day, short) if at in ends else str(day.day), n) for at, (day, n) in enumerate(days)]
    top, highest = max(days, key=lambda each: each[1])
    label = gettext("Highest %(number)s on %(day)s") % {"number": highest, "day": date_format(top, "MONTH_DAY_FORMAT")}
    rows = [(date_format(day, "MONTH_DAY_FORMAT"), number) for day, number in days]
    return Chart(draw(points, label=label), rows)


def _refused(found: Figures, request: MemberRequest) -> str:
    """Return the address of the refusals that are counted: those since midnight."""
    zone = ZoneInfo(request.tenant.time_zone)
    midnight = datetime.combine(found.as_of.astimezone(zone).date(), time(), tzinfo=zone)
    return f"{reverse('console-activity')}?{urlencode({'refused': 'requests', 'since': midnight.isoformat()})}"
