"""What an agent's page says beside the agent itself, by one statement: whom it reaches, who answers for it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Count, F, QuerySet, TextField
from django.db.models.functions import Cast

from agents import ranking
from agents.models import Agent, Client, CoOwner, Handover
from audit.events import Event
from audit.models import Entry
from kit import one_statement
from kit.one_statement import Line
from tenants.models import Membership
from tokens import impact, unused
from tokens.around import Around
from tokens.checking import history
from tokens.checking.history import Refusal, RefusedPlace
from tokens.impact import Impact
from tokens.models import AccessToken
from tokens.unused import Unused

SHOWN = 200
"""Handovers of each direction that a page names."""
OWNERS, PEOPLE, TO, BY = "further owners", "people it may act for", "may hand to", "handed to by"
DAY, REGISTERED, CHANGED = "tokens of a day", "who registered it", "what it last changed of itself"
SAYINGS = (Event.CLIENT_CHANGED.value, Event.CLIENT_DOCUMENT_CHANGED.value, Event.CLIENT_KEYS_CHANGED.value)
LOOKED_AT = 1000
"""Entries about its clients among which the last change is looked for."""


class LastChange(NamedTuple):
    """What a client last said differently of itself: when, by whom, and what stood there before and after."""

    at: datetime
    by: str
    lines: Sequence[tuple[str, str, str]]


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
    refused_at: Sequence[RefusedPlace]
    tokens_of_a_day: int
    registered_by: str
    changed: LastChange | None


def of(agent: Agent, around: Around, clients: Sequence[Client], *, now: datetime, is_bounded: bool) -> Facts:
    """Return what an agent's page says; what it does not use is asked for where somebody may bound it."""
    proposing = unused.parts_of_agent(agent, now) if is_bounded else []
    since = now - ranking.LATELY
    refused = [*history.parts_through(agent, since=since), *history.parts_at(around.drawn(agent), since=since)]
    parts = [*impact.parts_of_agent(agent, now), *_parts(agent), *_story(agent, clients, now)]
    found = one_statement.ask([*parts, *refused, *proposing])
    return Facts(
        reach=impact.told(found, now),
        unused=unused.told(agent, found, now) if proposing else None,
        owners=[line.shown for line in _in_turn(found, OWNERS)],
        people=[line.shown for line in found.get(PEOPLE, ())],
        handovers={way: [Named(line.key, line.shown) for line in _in_turn(found, way)] for way in (TO, BY)},
        refused=history.refusals(found),
        refused_at=history.refused_places(found),
        tokens_of_a_day=sum(line.number for line in found.get(DAY, ())),
        registered_by=next((line.shown for line in found.get(REGISTERED, ())), ""),
        changed=_last_change(found),
    )


def _story(agent: Agent, clients: Sequence[Client], now: datetime) -> list["QuerySet[Any, Any]"]:
    tokens = AccessToken.objects.filter(delegation__agent=agent, created__gte=now - timedelta(days=1)).order_by()
    about = Entry.objects.filter(about_kind="agent", about_id=agent.pk, event=Event.AGENT_REGISTERED.value)
    first = Entry.objects.filter(pk__in=about.order_by("pk").values("pk")[:1])
    parts = [
        one_statement.part(tokens.values("tenant"), DAY, number=Count("pk")),
        one_statement.part(first, REGISTERED, key=F("principal_id"), shown=F("principal_label")),
    ]
    if not clients:
        return parts
    lately = Entry.objects.filter(about_kind="client", about_id__in=[each.pk for each in clients]).order_by("-pk")
    said = Entry.objects.filter(pk__in=lately.values("pk")[:LOOKED_AT], event__in=SAYINGS).order_by("-pk")
    last = Entry.objects.filter(pk__in=said.values("pk")[:1])
    told = {"shown": F("principal_label"), "text": Cast("detail", TextField()), "latest": F("at")}
    return [*parts, one_statement.part(last, CHANGED, **told)]


def _last_change(found: Mapping[str, list[Line]]) -> LastChange | None:
    line = next(iter(found.get(CHANGED, ())), None)
    if line is None or line.latest is None:
        return None
    detail = json.loads(line.text)
    before, after = detail.get("before", []), detail.get("after", [])
    if isinstance(before, str):  # Of keys: which there were, and which there are.
        return LastChange(line.latest, line.shown, [("keys", before, after)])
    pairs = [(*was.partition(": ")[::2], become.partition(": ")[2]) for was, become in zip(before, after, strict=False)]
    named = [(name, "", "") for name in detail.get("changed", ())]
    return LastChange(line.latest, line.shown, pairs or named)


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
