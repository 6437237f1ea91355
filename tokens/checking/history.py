"""Refusals that were kept, and who may read why."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet, TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from agents import owning
from agents.models import Agent
from audit.events import REFUSALS
from audit.models import Entry
from kit import identifiers, one_statement
from kit.one_statement import Line
from tenants import directory
from tenants.models import Membership
from tenants.rules import may_see_console

THROUGH, PLACES = "refused through it", "refused at a resource"
MOST = 100
"""How many refusals of one agent are counted; beyond, there are more."""
COUNTED = 1000
"""Among how many refusals is looked for where they were."""


def refusals_for(member: Membership) -> QuerySet[Entry]:
    """Return the refusals that concern a member: all for who looks after the tenant, else of their agents and name."""
    found = Entry.objects.filter(event__in=REFUSALS).order_by("-pk")
    if may_see_console(member):
        return found
    owned = owning.theirs(member).values("pk")
    return found.filter(Q(on_behalf_of=member.pk) | Q(through__in=owned))


@dataclass(frozen=True, slots=True)
class RefusedPlace:
    """That an agent was refused something at a resource: how often of late, and when last."""

    agent: str
    resource: str
    times: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal of what an agent asked for, and what the log says of it."""

    id: str
    at: datetime
    reason: str


def refusals_through(agent: Agent, *, since: datetime) -> list[Entry]:
    """Return the refusals of what an agent asked for, the newest first: at most one more than are counted."""
    return list(_late(agent, since)[: MOST + 1])


def parts_through(agent: Agent, *, since: datetime) -> list["QuerySet[Any, Any]"]:
    """Return the question whose answer `refusals` reads: at most one more than are counted."""
    newest = Entry.objects.filter(pk__in=_late(agent, since).values("pk")[: MOST + 1])
    return [one_statement.part(newest, THROUGH, key=F("pk"), text=F("reason"), latest=F("at"))]


def refusals(found: Mapping[str, list[Line]]) -> list[Refusal]:
    """Return the refusals of what an agent asked for by the lines of a statement, the newest first."""
    lines = sorted(found.get(THROUGH, ()), key=lambda line: line.key, reverse=True)
    return [Refusal(line.key, line.latest, line.text) for line in lines if line.latest]


def parts_at(agent_ids: Collection[str], *, since: datetime) -> list["QuerySet[Any, Any]"]:
    """Return the question whose answer `refused_places` reads: of the newest thousand refusals of these agents."""
    newest = refusals_of(agent_ids, since=since).order_by("-pk").values("pk")[:COUNTED]
    # What a request names may be anything: of interest is what is a resource of this tenant.
    known = list(directory.resource_servers())
    place = Cast(KT("detail__audience"), TextField())
    placed = Entry.objects.filter(pk__in=newest).annotate(place=place).filter(place__in=known)
    grouped = placed.order_by().values("through", "place")
    columns = {"key": F("through"), "text": F("place"), "number": Count("pk"), "latest": Max("at")}
    return [one_statement.part(grouped, PLACES, **columns)]


def refused_places(found: Mapping[str, list[Line]]) -> list[RefusedPlace]:
    """Return where agents were refused something by the lines of a statement, the latest first."""
    lines = [
        RefusedPlace(each.key, each.text, each.number, each.latest) for each in found.get(PLACES, ()) if each.latest
    ]
    return sorted(lines, key=lambda each: each.at, reverse=True)


def refused_at(agent_ids: Collection[str], *, since: datetime) -> list[RefusedPlace]:
    """Return the same in one query."""
    return refused_places(one_statement.ask(parts_at(agent_ids, since=since)))


def refusals_of(agent_ids: Collection[str], *, since: datetime) -> QuerySet[Entry]:
    """Return the refusals of what some agents asked for, in no order."""
    found = Entry.objects.filter(event__in=REFUSALS, through__in=agent_ids, pk__gte=identifiers.at("evt", since))
    return found.order_by()


def _late(agent: Agent, since: datetime) -> QuerySet[Entry]:
    found = Entry.objects.filter(event__in=REFUSALS, through=agent.pk, pk__gte=identifiers.at("evt", since))
    return found.order_by("-pk")
