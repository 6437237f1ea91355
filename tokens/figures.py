"""How a tenant does, in numbers: for the page that says what wants somebody today. Nothing here decides.

Each part is counted apart: what cannot be counted just now takes none of the others with it.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import structlog
from django.core.cache import cache
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from agents import owning, risk
from agents.models import Agent, Approval
from audit.events import REFUSALS
from audit.models import Entry
from delegations.models import Delegation
from kit import context, identifiers, patience
from tenants.models import Membership, ResourceServer, Tenant
from tokens.errors import NotCounted
from tokens.models import AccessToken
from trust import keys
from trust.models import IdentityProvider

KEPT = 60
"""Seconds that figures are kept: whoever reads them is told as of when."""
PATIENCE = 5.0
"""Seconds that one statement may take: somebody waits for the others."""
SPANS, QUIET, DAY = (14, 30, 90), timedelta(days=30), timedelta(days=1)
"""Of how many days it may be said how something went; the first where nobody says."""
Counted = TypeVar("Counted")
_log = structlog.get_logger("tokens.figures")


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts at a moment, and how two of them went, day by day, today last; None is what could not be counted.

    `silent` are issuers that give no keys. `oldest` is None as well where nothing waits. `ends_used` of those that end
    soon had a token within a day. `has_begun` says whether any agent ever had a token here.
    """

    as_of: datetime
    waiting: int | None = None
    waiting_high: int | None = None
    oldest: datetime | None = None
    live: int | None = None
    made_today: int | None = None
    ends_soon: int | None = None
    ends_used: int | None = None
    no_end: int | None = None
    quiet: int | None = None
    ownerless: int | None = None
    silent: int | None = None
    has_begun: bool | None = None
    refused_lately: int | None = None
    refused_agents: int | None = None
    live_by_day: Sequence[tuple[date, int]] | None = None
    refused_by_day: Sequence[tuple[date, int]] | None = None

    @property
    def refused_today(self) -> int | None:
        return self.refused_by_day[-1][1] if self.refused_by_day is not None else None

    @property
    def live_change(self) -> int | None:
        """How many more there are than at the end of yesterday."""
        return self.live_by_day[-1][1] - self.live_by_day[-2][1] if self.live_by_day is not None else None


@dataclass(frozen=True, slots=True)
class Beginnings:
    """What a new tenant has done already."""

    provider: bool
    resource: bool
    agent: bool
    consent: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is counted: as of when, in whose days and how many of them, and of whose agents; "" is everybody's."""

    now: datetime
    zone: ZoneInfo
    days: int
    owner: str = ""

    @property
    def agents(self) -> Q:
        """Match what is of those agents."""
        return Q(agent__in=Agent.objects.filter(owning.answered_by(self.owner)).order_by()) if self.owner else Q()

    @property
    def dates(self) -> list[date]:
        today = self.now.astimezone(self.zone).date()
        return [today - timedelta(days=back) for back in reversed(range(self.days))]


def figures(tenant: Tenant, *, days: int = SPANS[0], owner: Membership | None = None) -> Figures:
    """Return a tenant's figures, or those of one owner's agents, none of them more than KEPT seconds old.

    What could not be counted is tried again the next time. Where nothing could be, the last error is raised.
    """
    # A process of the release before keeps figures of its own shape under the key without the number.
    of = f"{context.require_id()}:{owner.pk if owner else ''}"
    asked = _Asked(timezone.now(), ZoneInfo(tenant.time_zone), days, owner.pk if owner else "")
    names = _names(asked.owner)
    places = {name: f"figures:4:{of}:{days if name in _DAILY else ''}:{name}" for name in names}
    kept: Mapping[str, tuple[datetime, Mapping[str, Any]]] = cache.get_many(places.values())
    fresh = _count([name for name, place in places.items() if place not in kept], asked)
    cache.set_many({places[name]: part for name, part in fresh.items()}, KEPT)
    counted = [*kept.values(), *fresh.values()]
    fields = {name: value for _, said in counted for name, value in said.items()}
    return Figures(as_of=min(at for at, _ in counted), **fields)


def beginnings(tenant: Tenant) -> Beginnings | None:
    """Return how far a tenant has come, or None once its agents have tokens; raises NotCounted."""
    with patience.within(PATIENCE):
        return _apart("beginnings", partial(_beginnings, tenant))


def _names(owner: str) -> list[str]:
    """Return which parts there are: what troubles a tenant is nothing to one owner."""
    return [name for name in _PARTS if not owner or name != "troubles"]


def _count(names: Sequence[str], asked: _Asked) -> Mapping[str, tuple[datetime, Mapping[str, Any]]]:
    """Return the parts that can be counted, each with its moment."""
    found: dict[str, tuple[datetime, Mapping[str, Any]]] = {}
    missing: list[NotCounted] = []
    if not names:
        return found
    with patience.within(PATIENCE):
        for name in names:
            at = replace(asked, now=timezone.now())
            try:
                found[name] = at.now, _apart(name, partial(_PARTS[name], at))
            except NotCounted as error:
                missing.append(error)
    if len(missing) == len(_names(asked.owner)) and missing[-1].__cause__ is not None:
        raise missing[-1].__cause__
    return found


def _apart(name: str, count: Callable[[], Counted]) -> Counted:
    try:
        return count()
    except Exception as error:  # The door of each part: logged, said to whoever reads, and no reason to hide the rest.
        _log.exception("not counted", part=name)
        raise NotCounted(name) from error


def _beginnings(tenant: Tenant) -> Beginnings | None:
    if AccessToken.objects.exists():
        return None
    # Of the servers one is ours: the API of this product.
    return Beginnings(
        provider=IdentityProvider.objects.exists(),
        resource=ResourceServer.objects.exclude(identifier=tenant.api_identifier).exists(),
        agent=Agent.objects.exists(),
        consent=Delegation.objects.get_queryset().exists(),
    )


def _waiting(asked: _Asked) -> Mapping[str, Any]:
    waiting = Approval.objects.filter(asked.agents, status=Approval.Status.WAITING)
    found = list(waiting.select_related("client").order_by("created_at"))
    high = len(risk.high_among(found, now=asked.now))
    return {"waiting": len(found), "oldest": found[0].created_at if found else None, "waiting_high": high}


def _live(asked: _Asked) -> Mapping[str, Any]:
    now, soon = asked.now, Q(expires_at__lte=asked.now + 7 * DAY)
    used = AccessToken.objects.filter(delegation=OuterRef("pk")).order_by()
    lately = Q(Exists(used.filter(created__gte=now - DAY)))
    live = Delegation.objects.live(now).filter(asked.agents).order_by()
    return live.aggregate(
        live=Count("pk"),
        made_today=Count("pk", filter=Q(created_at__gte=now - DAY)),
        ends_soon=Count("pk", filter=soon),
        ends_used=Count("pk", filter=soon & lately),
        no_end=Count("pk", filter=Q(expires_at=None)),
        quiet=Count("pk", filter=~Exists(used.filter(created__gte=now - QUIET)) & Q(created_at__lt=now - QUIET)),
    )


def _troubles(asked: _Asked) -> Mapping[str, Any]:
    now = asked.now
    acting = Delegation.objects.live(now).order_by().filter(agent=OuterRef("pk"), member__isnull=False)
    alone = Agent.objects.filter(Exists(acting), owner=None, status=Agent.Status.ACTIVE)
    ownerless, silent, has_begun = _numbers(alone, keys.silent(now), has=AccessToken.objects.order_by())
    return {"ownerless": ownerless, "silent": silent, "has_begun": bool(has_begun)}


def _numbers(*rows: "QuerySet[Any]", has: "QuerySet[Any]") -> tuple[int, ...]:
    """Count rows of several kinds in one statement, and say last whether there are any of another."""
    counts = [each.order_by().values("tenant").annotate(number=Count("pk")).values("number") for each in rows]
    named = {f"of_{place}": Coalesce(Subquery(each), 0) for place, each in enumerate(counts)}
    named_too = {**named, "has": Exists(has)}
    return tuple(Tenant.objects.annotate(**named_too).values_list(*named_too).get(pk=context.require_id()))


def _refused(asked: _Asked) -> Mapping[str, Any]:
    """Return how often something was refused, by day and lately; entries are read from the end of their index."""
    since, lately = asked.now - timedelta(days=asked.days), asked.now - DAY
    entries = Entry.objects.filter(event__in=REFUSALS, pk__gte=identifiers.at("evt", since))
    if asked.owner:
        entries = entries.filter(through__in=Agent.objects.filter(owning.answered_by(asked.owner)).values("pk"))
    refused: Counter[date] = Counter()
    latest: Counter[str] = Counter()
    for at, agent in entries.values_list("at", "through").iterator(chunk_size=2000):
        refused[at.astimezone(asked.zone).date()] += 1
        if at >= lately:
            latest[agent] += 1
    return {
        "refused_by_day": [(each, refused[each]) for each in asked.dates],
        "refused_lately": latest.total(),
        "refused_agents": sum(1 for agent in latest if agent),
    }


def _live_by_day(asked: _Asked) -> Mapping[str, Any]:
    """Return how many delegations were alive at the end of each day; parts count by their own end."""
    days, now, zone = asked.dates, asked.now, asked.zone
    first = datetime.combine(days[0], datetime.min.time(), tzinfo=zone)
    still = Q(ended_at=None) | Q(ended_at__gte=first)
    rows = Delegation.objects.filter(asked.agents, still, Q(expires_at=None) | Q(expires_at__gte=first)).order_by()
    moments = rows.values_list("created_at", "ended_at", "expires_at").iterator(chunk_size=2000)
    begun: Counter[date] = Counter()
    over: Counter[date] = Counter()
    for made, ended, expires in moments:
        begun[max(made.astimezone(zone).date(), days[0])] += 1
        end = min((each for each in (ended, expires) if each is not None and each <= now), default=None)
        if end is not None:
            over[end.astimezone(zone).date()] += 1
    total = 0
    found = []
    for day in days:
        total += begun[day] - over[day]
        found.append((day, total))
    return {"live_by_day": found}


_PARTS: Mapping[str, Callable[[_Asked], Mapping[str, Any]]] = {
    "waiting": _waiting,
    "live": _live,
    "troubles": _troubles,
    "live_by_day": _live_by_day,
    "refused": _refused,
}
_DAILY = frozenset({"live_by_day", "refused"})
"""Parts that differ by how many days are asked for."""
