"""Scopes that change things: who holds one, and whether one is among some."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat

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


def held(now: datetime) -> Exists:
    """Match the agents of a query that hold one, alive."""
    changing = _changing().filter(resource_server__identifier=OuterRef("at"))
    # A name stands between quotes in the text of a list, and holds none (RFC 6749 §3.3).
    quoted = Concat(Value('"'), F("name"), Value('"'))
    named = changing.annotate(text=Cast(OuterRef("text"), TextField())).filter(text__contains=quoted).order_by()
    return Exists(_holding(Agent.objects.filter(pk=OuterRef("pk")), now).filter(Exists(named)).order_by())


def parts(agents: "QuerySet[Agent]", now: datetime) -> list["QuerySet[Any, Any]"]:
    """Return the questions whose answers `writers` reads: what some agents hold, each once, and what changes things."""
    # What thousands of people allowed alike is one line.
    holding = _holding(agents, now).distinct()
    return [
        one_statement.part(holding, HELD, key=F("pk"), shown=F("at"), text=F("text")),
        one_statement.part(_changing(), CHANGING, key=F("resource_server__identifier"), shown=F("name")),
    ]


def writers(found: Mapping[str, list[Line]]) -> frozenset[str]:
    """Return the ids of the agents that hold a scope that changes things."""
    changing = {(line.key, line.shown) for line in found.get(CHANGING, ())}
    return frozenset(
        line.key
        for line in found.get(HELD, ())
        if any((line.shown, name) in changing for name in json.loads(line.text))
    )


def _changing() -> "QuerySet[Scope]":
    return Scope.objects.filter(is_writing=True, resource_server__retired_at=None)


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
