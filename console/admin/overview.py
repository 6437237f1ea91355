"""Overview: does anything want me today? Each number leads to the list that it counts.

Whoever owns agents, and looks after nobody else's, is shown the same of their own.
"""

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
from console.access import for_owners
from console.narrowing import Switch
from console.tiles import Tile
from delegations.sentence import in_words
from kit import context
from tenants.models import Tenant
from tenants.rules import may_see_console
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


@for_owners
def view(request: MemberRequest) -> HttpResponse:
    looks_after, days = may_see_console(request.member), _days(request)
    found = figures.figures(request.tenant, days=days, owner=None if looks_after else request.member)
    if looks_after:
        request.waiting = found.waiting  # type: ignore[attr-defined]  # For the navigation, which says it too.
    told = {found.waiting, found.no_end, *({found.silent, found.ownerless} if looks_after else ())}
    content = {
        "looks_after": looks_after,
        "spans": [Switch(_span(each), f"?days={each}", each == days) for each in figures.SPANS],
        "tiles": _tiles(found, request, looks_after=looks_after),
        "wishes": _wishes(found, looks_after=looks_after),
        "has_all_wishes": None not in told,
        **(_to_begin_with(found, request.tenant) if looks_after else {"steps": []}),
        "live": _chart(found.live_by_day, svg.area) if found.live_by_day else None,
        "refused": _refused(found, request.tenant, looks_after=looks_after),
        "refused_today": found.refused_today,
        "quiet": found.quiet,
        "quiet_url": f"{reverse('console-delegations')}?unused_since=30d",
        "as_of": found.as_of.astimezone(ZoneInfo(request.tenant.time_zone)),
        "reference": context.request_id(),
    }
    return render(request, "console/overview.html", content)


def _days(request: MemberRequest) -> int:
    """Return of how many days the charts are; of so many as usual where the address says no number of ours."""
    asked = request.GET.get("days", "")
    return next((each for each in figures.SPANS if str(each) == asked), figures.SPANS[0])


def _span(days: int) -> str:
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}


def _tiles(found: Figures, request: MemberRequest, *, looks_after: bool) -> list[Tile]:
    delegations = reverse("console-delegations")
    change = found.made_today if found.live_change is None else found.live_change
    changed = gettext("%(number)s since yesterday") % {"number": f"{change or 0:+}"}
    used = ngettext("%(n)s used in the last 24 h", "%(n)s used in the last 24 h", found.ends_used or 0)
    of = ngettext("by %(n)s agent", "by %(n)s agents", found.refused_agents or 0) % {"n": found.refused_agents}
    lately = {"refused": "requests", "since": (found.as_of - figures.DAY).isoformat(timespec="seconds")}
    # Whose agents they are reads of what waits under their own questions, and of refusals on each agent's page.
    waiting = reverse("console-approvals" if looks_after else "my-questions")
    refused = f"{reverse('console-activity')}?{urlencode(lately)}" if looks_after else reverse("console-agents")
    soon = f"{delegations}?ends_before=7d&order=ends"
    return [
        _tile(gettext_lazy("Waiting for approval"), found.waiting, _oldest(found, request.tenant), waiting),
        _tile(gettext_lazy("Active delegations"), found.live, changed, delegations),
        _tile(gettext_lazy("End within 7 days"), found.ends_soon, used % {"n": found.ends_used}, soon),
        _tile(gettext_lazy("Refused, 24 h"), found.refused_lately, of if found.refused_lately else "", refused),
    ]


def _oldest(found: Figures, tenant: Tenant) -> str:
    """Say since when something waits, and how much of it is of high risk."""
    if found.oldest is None:
        return gettext("nothing waits")
    when = in_words(found.oldest, now=timezone.now(), time_zone=tenant.time_zone)
    words = gettext("the oldest: %(when)s") % {"when": when}
    return gettext("%(n)s of high risk, %(words)s") % {"n": found.waiting_high, "words": words}


def _tile(label: Promise | str, number: int | None, note: str, url: str) -> Tile:
    """Return a tile; of what could not be counted it says that, and still leads to the list."""
    return Tile(label, "–", gettext("could not be counted"), url) if number is None else Tile(label, number, note, url)


def _wishes(found: Figures, *, looks_after: bool) -> list[Wish]:
    """Return what wants somebody, the worst first, three lines at most."""
    wishes = []
    if found.waiting and looks_after:
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
        Step(gettext_lazy("Let people sign in with your company's account"), begun.provider, reverse("console-trust")),
        Step(gettext_lazy("Add the first resource that agents may use"), begun.resource, reverse("console-resources")),
        Step(gettext_lazy("Let the first agent arrive"), begun.agent, reverse("console-ways-in")),
        Step(gettext_lazy("Allow it something"), begun.consent, reverse("console-delegations")),
        Step(gettext_lazy("See its first call"), False, f"{reverse('console-activity')}?event=token.issued"),
    ]


def _refused(found: Figures, tenant: Tenant, *, looks_after: bool) -> Chart | None:
    """Draw what was refused, if anything was; each day leads to its refusals, for whoever may read them."""
    days = found.refused_by_day
    if days is None or not any(number for _, number in days):
        return None
    if not looks_after:
        return _chart(days, svg.bars)
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
    is_long = len(days) > figures.SPANS[0]  # A number alone would be of any of several months.
    points = [
        (date_format(day, short) if is_long or at in ends else str(day.day), n) for at, (day, n) in enumerate(days)
    ]
    top, highest = max(days, key=lambda each: each[1])
    label = gettext("Highest %(number)s on %(day)s") % {"number": highest, "day": date_format(top, "MONTH_DAY_FORMAT")}
    named = [(date_format(day, "MONTH_DAY_FORMAT"), number) for day, number in days]
    return Chart(draw(points, label=label), [(*row, url) for row, url in zip_longest(named, urls, fillvalue="")])
