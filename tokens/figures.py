"""How a tenant does, in numbers: for the page that says what wants somebody today. Nothing here decides."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.cache import cache
from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from agents.models import Agent, Approval
from audit.events import Event
from audit.models import Entry
from delegations.models import Delegation
from kit import context, identifiers
from tenants.models import Membership, ResourceServer, Tenant
from tokens.models import AccessToken
from trust import keys

KEPT = 60
"""Seconds that figures are kept: whoever reads them is told as of when."""
DAYS, QUIET = 14, timedelta(days=30)
REFUSALS = (Event.TOKEN_REFUSED, Event.AUTHORIZATION_REFUSED)


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts at a moment, and how two of them went, day by day, today last. `silent` are issuers that give no keys.

    `has_begun` says whether any agent ever had a token here.
    """

    as_of: datetime
    waiting: int
    oldest: datetime | None
    live: int
    made_today: int
    ends_soon: int
    no_end: int
    quiet: int
    refused_today: int
    ownerless: int
    silent: int
    has_begun: bool
    live_by_day: Sequence[tuple[date, int]]
    refused_by_day: Sequence[tuple[date, int]]


@dataclass(frozen=True, slots=True)
class Beginnings:
    """What a new tenant has done already."""

    people: bool
    resource: bool
    agent: bool
    consent: bool


def figures(tenant: Tenant) -> Figures:
    """Return a tenant's figures, at most KEPT seconds old."""
    # A process of the release before keeps figures of its own shape under the key without the number.
    key = f"figures:2:{context.require_id()}"
    found: Figures | None = cache.get(key)
    if found is None:
        found = _count(tenant)
        cache.set(key, found, KEPT)
    return found


def beginnings(tenant: Tenant) -> Beginnings | None:
    """Return how far a tenant has come, or None once its agents have tokens."""
    if AccessToken.objects.exists():
        return None
    # Of the servers one is ours: the API of this product.
    return Beginnings(
        people=Membership.objects.all()[:2].count() > 1,
        resource=ResourceServer.objects.exclude(identifier=tenant.api_identifier).exists(),
        agent=Agent.objects.exists(),
        consent=Delegation.objects.get_queryset().exists(),
    )


def _count(tenant: Tenant) -> Figures:
    now = timezone.now()
    day = timedelta(days=1)
    waiting = Approval.objects.filter(status=Approval.Status.WAITING).aggregate(n=Count("pk"), oldest=Min("created_at"))
    live = Delegation.objects.live(now).order_by()
    used = AccessToken.objects.filter(delegation=OuterRef("pk"), created__gte=now - QUIET)
    counted = live.aggregate(
        all=Count("pk"),
        made=Count("pk", filter=Q(created_at__gte=now - day)),
        soon=Count("pk", filter=Q(expires_at__lte=now + 7 * day)),
        no_end=Count("pk", filter=Q(expires_at=None)),
        quiet=Count("pk", filter=~Exists(used) & Q(created_at__lt=now - QUIET)),
    )
    acting = live.filter(agent=OuterRef("pk"), member__isnull=False)
    alone = Agent.objects.filter(Exists(acting), owner=None, status=Agent.Status.ACTIVE)
    ownerless, silent, has_begun = _numbers(alone, keys.silent(now), has=AccessToken.objects.order_by())
    refused = _refused(now - DAYS * day, ZoneInfo(tenant.time_zone))
    days = _days(now, ZoneInfo(tenant.time_zone))
    return Figures(
        as_of=now,
        waiting=waiting["n"],
        oldest=waiting["oldest"],
        live=counted["all"],
        made_today=counted["made"],
        ends_soon=counted["soon"],
        no_end=counted["no_end"],
        quiet=counted["quiet"],
        refused_today=refused[days[-1]],
        ownerless=ownerless,
        silent=silent,
        has_begun=bool(has_begun),
        live_by_day=_live_by_day(days, now, ZoneInfo(tenant.time_zone)),
        refused_by_day=[(each, refused[each]) for each in days],
    )


def _numbers(*rows: "QuerySet[Any]", has: "QuerySet[Any]") -> tuple[int, ...]:
    """Count rows of several kinds in one statement, and say last whether there are any of another."""
    counts = [each.order_by().values("tenant").annotate(number=Count("pk")).values("number") for each in rows]
    named = {f"of_{place}": Coalesce(Subquery(each), 0) for place, each in enumerate(counts)}
    named_too = {**named, "has": Exists(has)}
    return tuple(Tenant.objects.annotate(**named_too).values_list(*named_too).get(pk=context.require_id()))


def _days(now: datetime, zone: ZoneInfo) -> list[date]:
    today = now.astimezone(zone).date()
    return [today - timedelta(days=back) for back in reversed(range(DAYS))]


def _refused(since: datetime, zone: ZoneInfo) -> Counter[date]:
    """Return how often something was refused, by day; entries are read from the end of their index."""
    entries = Entry.objects.filter(event__in=REFUSALS, pk__gte=identifiers.at("evt", since))
    return Counter(at.astimezone(zone).date() for at in entries.values_list("at", flat=True).iterator(chunk_size=2000))


def _live_by_day(days: Sequence[date], now: datetime, zone: ZoneInfo) -> list[tuple[date, int]]:
    """Return how many delegations were alive at the end of each day; parts count by their own end."""
    first = datetime.combine(days[0], datetime.min.time(), tzinfo=zone)
    still = Q(ended_at=None) | Q(ended_at__gte=first)
    rows = Delegation.objects.filter(still, Q(expires_at=None) | Q(expires_at__gte=first)).order_by()
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
    return found
