"""The lists that long work writes into files: what narrows each, who may have it, and how a row of it is written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone

from agents import people
from agents.approval_filters import ApprovalFilter
from agents.filters import AgentFilter
from agents.models import Agent, Approval
from agents.people_filters import MemberFilter
from audit import export
from audit.events import Event
from audit.models import Entry
from delegations.event_filters import EventFilter
from delegations.filters import DelegationFilter
from delegations.models import Delegation
from notices import table
from tenants.filters import ResourceFilter
from tenants.models import Membership, ResourceServer
from tenants.roles import Act
from tokens import impact, noticed
from trust.filters import AudienceFilter, IssuerFilter
from trust.models import Audience, TrustedIssuer

DELEGATIONS = "delegations"


def _used_delegations() -> "QuerySet[Any]":
    return impact.with_use(Delegation.objects.get_queryset().with_names())


def columns_of(*names: str, **ways: str) -> Callable[[Any], Mapping[str, Any]]:
    """Return how a row is written: by the attributes of these names, or those that the ways lead to."""
    read = {name: ways.get(name, name).split(".") for name in names}
    return lambda thing: {name: _plain(_follow(thing, steps)) for name, steps in read.items()}


def _follow(thing: Any, steps: list[str]) -> Any:
    for step in steps:
        thing = getattr(thing, step, None)
    return thing


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


@dataclass(frozen=True, slots=True)
class List:
    """One list: everything of the tenant, before its filter; `dressed` is it with all that a row says."""

    filter: type[django_filters.FilterSet]
    all: "Callable[[], QuerySet[Any]]"
    dressed: "Callable[[], QuerySet[Any]]"
    columns: tuple[str, ...]
    row: Callable[[Any], Mapping[str, Any]]
    act: Act
    """What it takes to read it; over the API the scope of the same name as well."""
    event: Event = field(default=Event.LIST_EXPORTED)
    noticed: Callable[[Sequence[Any]], Mapping[str, Mapping[str, Any]]] = field(default=lambda rows: {})
    """What is found out about many rows at once, by their ids, in columns behind the others."""

    def written(self, rows: Sequence[Any]) -> list[Mapping[str, Any]]:
        """Return rows as they stand in a file."""
        seen = self.noticed(rows)
        return [{**self.row(each), **seen.get(each.pk, {})} for each in rows]


_AGENT = (
    "id", "name", "status", "registration", "owner", "owner_email", "ceiling", "created_at", "admitted_at",
    "retired_at", "ended_at",
)  # fmt: skip
_NOTICED = ("oldest_secret_at", "refused_within_a_week", "is_high_risk", "risks")
_APPROVAL = (
    "id", "kind", "status", "agent", "agent_name", "asked", "ceiling", "reason", "created_at", "decided_at",
    "decided_by", "until",
)  # fmt: skip
_MEMBER = (
    "id", "name", "email", "role", "status", "groups", "came_by", "factor", "last_signed_in_at", "agents_owned",
    "approvals_open", "created_at",
)  # fmt: skip
_RESOURCE = (
    "id", "identifier", "name", "kind", "signing_algorithm", "token_format", "asks_each_time", "hosts_metadata",
    "scopes", "asked_at", "retired_at", "created_at",
)  # fmt: skip
_resource = columns_of(*_RESOURCE)

_ISSUER = (
    "id", "issuer", "name", "purposes", "mappings", "scopes", "key_source", "keys_fetched_at", "is_enabled",
    "created_at",
)  # fmt: skip
_AUDIENCE = ("id", "issuer", "name", "scopes", "shares_email", "is_enabled", "created_at")


def _notice(agents: Sequence[Agent]) -> Mapping[str, Mapping[str, Any]]:
    """Return what the list of agents says beside what they are; a risk by the name of its rule."""
    found = noticed.of_agents(agents, now=timezone.now())
    said = {
        pk: (_plain(seen.oldest_at), seen.refused, seen.is_high, [risk.rule for risk in seen.risks])
        for pk, seen in found.items()
    }
    return {pk: dict(zip(_NOTICED, values, strict=True)) for pk, values in said.items()}


def _with_scopes(columns: tuple[str, ...]) -> Callable[[Any], Mapping[str, Any]]:
    """Return how a row is written whose scopes stand below the resources that they are of."""
    written = columns_of(*columns)
    return lambda row: {**written(row), "scopes": _flat(row.resources)}


def _flat(resources: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"{resource}:{scope}" for resource, scopes in sorted(resources.items()) for scope in sorted(scopes)]


REGISTRY: Mapping[str, List] = {
    DELEGATIONS: List(
        DelegationFilter, Delegation.objects.get_queryset, _used_delegations, table.COLUMNS, table.row, Act.AGENTS_READ,
        Event.DELEGATIONS_EXPORTED,
    ),
    "agents": List(
        AgentFilter, lambda: Agent.objects.all(),
        lambda: Agent.objects.select_related("owner__user").prefetch_related("clients"), (*_AGENT, *_NOTICED),
        columns_of(*_AGENT, owner="owner_id", owner_email="owner.email"), Act.AGENTS_READ, noticed=_notice,
    ),
    "approvals": List(
        ApprovalFilter, lambda: Approval.objects.all(), lambda: Approval.objects.select_related("agent"), _APPROVAL,
        columns_of(*_APPROVAL, agent="agent_id", agent_name="agent.name"), Act.APPROVALS_READ,
    ),
    "events": List(
        EventFilter, lambda: Entry.objects.all(), lambda: Entry.objects.all(), export.COLUMNS, export.written,
        Act.EVENTS_READ, Event.EVENTS_EXPORTED,
    ),
    "members": List(
        MemberFilter, lambda: Membership.objects.all(), lambda: people.with_facts(Membership.objects.all()), _MEMBER,
        columns_of(*_MEMBER), Act.MEMBERS_READ,
    ),
    "resources": List(
        ResourceFilter, lambda: ResourceServer.objects.all(),
        lambda: ResourceServer.objects.prefetch_related("scopes"), _RESOURCE,
        lambda server: {**_resource(server), "scopes": [scope.name for scope in server.scopes.all()]},
        Act.RESOURCES_READ,
    ),
    "issuers": List(
        IssuerFilter, lambda: TrustedIssuer.objects.all(), lambda: TrustedIssuer.objects.defer("jwks"), _ISSUER,
        _with_scopes(_ISSUER), Act.TRUST_READ,
    ),
    "audiences": List(
        AudienceFilter, lambda: Audience.objects.all(), lambda: Audience.objects.all(), _AUDIENCE,
        _with_scopes(_AUDIENCE), Act.TRUST_READ,
    ),
}  # fmt: skip
