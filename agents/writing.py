"""Scopes that change things: who holds one, and whether one is among some."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat

from agents.models import Agent
from tenants import directory
from tenants.models import Scope


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
    # Delegations belong to a room above, and are asked for through the relation; scopes as text, because SQLite
    # looks into no list.
    holding = Agent.objects.filter(pk=OuterRef("pk")).annotate(
        at=F("delegations__audience"),
        over=F("delegations__ended_at"),
        until=F("delegations__expires_at"),
        text=Cast("delegations__scopes", TextField()),
    )
    live = holding.filter(Q(until=None) | Q(until__gt=now), over=None)
    served = Scope.objects.filter(
        is_writing=True, resource_server__identifier=OuterRef("at"), resource_server__retired_at=None
    ).annotate(
        quoted=Concat(Value('"'), "name", Value('"'), output_field=TextField()),
        text=ExpressionWrapper(OuterRef("text"), TextField()),
    )
    return Exists(live.filter(Exists(served.filter(text__contains=F("quoted")).order_by())).order_by())


def agents(among: "QuerySet[Agent]", *, now: datetime) -> frozenset[str]:
    """Return the ids of those of some agents that hold one."""
    return frozenset(among.filter(held(now)).order_by().values_list("pk", flat=True))
