"""Scopes that change things: who holds one, and whether one is among some."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from django.db.models import Case, F, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Cast

from agents.models import Agent
from kit import one_statement
from kit.one_statement import Line
from tenants import directory
from tenants.models import Scope

HELD, CHANGING = "held", "changing"


def scopes() -> Mapping[str, frozenset[str]]:
    """Return the scopes that change things, by resource."""
    servers = directory.resource_servers()
    return {
        identifier: frozenset(name for name, scope in server.scopes.items() if scope.is_writing)
        for identifier, server in servers.items()
    }


def is_among(asked: Mapping[str, Iterable[str]]) -> bool:
    """Say whether one of these scopes, by resource, changes things."""
    known = scopes()
    return any(known.get(at, frozenset()) & set(names) for at, names in asked.items())


def held(now: datetime) -> Case:
    """Say of the agents of a query whether they hold one, alive: none does where no scope changes anything.

    Whatever number of agents there is, all that is alive is read once. As a condition of its own the planner would
    join it, and read a tenant of which it knows nothing once for each agent.
    """
    found = Q(pk=None)
    for identifier, names in scopes().items():
        for name in names:
            found |= Q(audience=identifier, text__contains=json.dumps(name))
    # Delegations belong to a room above, and are asked for through the relation; scopes as text, because SQLite looks
    # into no list.
    delegations = cast(Any, Agent._meta.get_field("delegations").related_model).objects
    alive = delegations.filter(Q(expires_at=None) | Q(expires_at__gt=now), ended_at=None, agent__isnull=False)
    holders = alive.annotate(text=Cast("scopes", TextField())).filter(found).order_by().values("agent")
    return Case(When(pk__in=holders, then=Value(True)), default=Value(False))


def parts(agents: "QuerySet[Agent]", now: datetime) -> list["QuerySet[Any, Any]"]:
    """Return the questions whose answers `writers` reads: what some agents hold, each once, and what changes things."""
    # What thousands of people allowed alike is one line.
    holding = _holding(agents, now).distinct()
    served = Scope.objects.filter(is_writing=True, resource_server__retired_at=None)
    return [
        one_statement.part(holding, HELD, key=F("pk"), shown=F("at"), text=F("text")),
        one_statement.part(served, CHANGING, key=F("resource_server__identifier"), shown=F("name")),
    ]


def writers(found: Mapping[str, list[Line]]) -> frozenset[str]:
    """Return the ids of the agents that hold a scope that changes things."""
    changing = {(line.key, line.shown) for line in found.get(CHANGING, ())}
    return frozenset(
        line.key
        for line in found.get(HELD, ())
        if any((line.shown, name) in changing for name in json.loads(line.text))
    )


def _holding(agents: "QuerySet[Agent]", now: datetime) -> "QuerySet[Agent]":
    """Return agents once for each delegation of theirs that is alive, with where and for what."""
    # Delegations belong to a room above, and are asked for through the relation; scopes as text, because SQLite
    # looks into no list.
    each = agents.annotate(
        at=F("delegations__audience"),
        over=F("delegations__ended_at"),
        until=F("delegations__expires_at"),
        text=Cast("delegations__scopes", TextField()),
    )
    return each.filter(Q(until=None) | Q(until__gt=now), over=None, at__isnull=False)
