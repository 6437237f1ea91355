"""What an agent's page says beside the agent itself, by one statement: whom it reaches, who answers for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import F, QuerySet

from agents import ranking
from agents.models import Agent, CoOwner, Handover
from kit import one_statement
from kit.one_statement import Line
from tenants.models import Membership
from tokens import impact, unused
from tokens.checking import history
from tokens.checking.history import Refusal
from tokens.impact import Impact
from tokens.unused import Unused

SHOWN = 200
"""Handovers of each direction that a page names."""
OWNERS, PEOPLE, TO, BY = "further owners", "people it may act for", "may hand to", "handed to by"


class Named(NamedTuple):
    """An agent as a link names it."""

    pk: str
    name: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found; `people` are the members whom alone it may act for."""

    reach: Impact
    unused: Unused | None
    owners: Sequence[str]
    people: Sequence[str]
    handovers: Mapping[str, Sequence[Named]]
    refused: Sequence[Refusal]
    """Of the last seven days, the newest first."""


def of(agent: Agent, *, now: datetime, is_bounded: bool) -> Facts:
    """Return what an agent's page says; what it does not use is asked for where somebody may bound it."""
    proposing = unused.parts_of_agent(agent, now) if is_bounded else []
    refused = history.parts_through(agent, since=now - ranking.LATELY)
    found = one_statement.ask([*impact.parts_of_agent(agent, now), *_parts(agent), *refused, *proposing])
    return Facts(
        reach=impact.told(found, now),
        unused=unused.told(agent, found, now) if proposing else None,
        owners=[line.shown for line in _in_turn(found, OWNERS)],
        people=[line.shown for line in found.get(PEOPLE, ())],
        handovers={way: [Named(line.key, line.shown) for line in _in_turn(found, way)] for way in (TO, BY)},
        refused=history.refusals(found),
    )


def _parts(agent: Agent) -> list["QuerySet[Any, Any]"]:
    members = list((agent.people or {}).get("members", ()))
    owners = CoOwner.objects.filter(agent=agent)
    parts = [
        one_statement.part(owners, OWNERS, key=F("member"), shown=impact.name_of("member__"), number=F("pk")),
        _handovers("to_agent", TO, agent=agent),
        _handovers("agent", BY, to_agent=agent),
    ]
    chosen = Membership.objects.filter(pk__in=members)
    return [*parts, one_statement.part(chosen, PEOPLE, key=F("pk"), shown=impact.name_of(""))] if members else parts


def _handovers(way: str, kind: str, **of: Agent) -> "QuerySet[Any, Any]":
    first = Handover.objects.filter(**of).order_by("pk").values("pk")[:SHOWN]
    found = Handover.objects.filter(pk__in=first)
    return one_statement.part(found, kind, key=F(way), shown=F(f"{way}__name"), number=F("pk"))


def _in_turn(found: Mapping[str, list[Line]], kind: str) -> list[Line]:
    """Return lines in the order in which their rows were made."""
    return sorted(found.get(kind, ()), key=lambda line: line.number)
