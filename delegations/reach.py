"""How many people, agents and delegations something reaches, before anybody does it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from django.db.models import Count, QuerySet

from delegations import actions
from delegations.models import Delegation
from tenants.models import Membership, ResourceServer, Scope
from trust.models import Audience, TrustedIssuer

_COUNTS = {
    "people": Count("member", distinct=True),
    "agents": Count("agent", distinct=True),
    "delegations": Count("pk"),
}


@dataclass(frozen=True, slots=True)
class Reach:
    """What is alive now and would not be, or would be less."""

    people: int
    agents: int
    delegations: int

    def as_json(self) -> dict[str, int]:
        return asdict(self)


def of_resource(server: ResourceServer, *, now: datetime) -> Reach:
    """Return what is allowed at a resource server."""
    return _counted(Delegation.objects.live(now).filter(resource_server=server))


def of_resources(servers: Iterable[ResourceServer], *, now: datetime) -> Mapping[str, Reach]:
    """Return the same for several of them by id, in one statement; what nobody holds anything of is not in it."""
    live = Delegation.objects.live(now).filter(resource_server__in=[each.pk for each in servers])
    counted = live.order_by().values("resource_server").annotate(**_COUNTS)
    found = counted.values_list("resource_server", *_COUNTS)
    return {str(server): Reach(*counts) for server, *counts in found}


def beyond(latest: datetime, *, now: datetime) -> Reach:
    """Return what people allowed beyond a moment."""
    return _counted(actions.beyond(latest) & Delegation.objects.live(now))


def of_scope(scope: Scope, *, now: datetime) -> Reach:
    """Return what holds a scope."""
    allowed = Delegation.objects.live(now).filter(resource_server=scope.resource_server_id)
    # A list in JSON is looked into here: SQLite cannot.
    rows = allowed.order_by().values_list("member_id", "agent_id", "scopes").iterator(chunk_size=1000)
    holding = [(member, agent) for member, agent, scopes in rows if scope.name in scopes]
    return Reach(len({who for who, _ in holding if who}), len({which for _, which in holding}), len(holding))


def of_member(member: Membership, *, now: datetime) -> Reach:
    """Return what acts for a person."""
    return _counted(Delegation.objects.of(member).live(now))


def of_issuer(issuer: TrustedIssuer, *, now: datetime) -> Reach:
    """Return what stands on an issuer's word."""
    return _counted(Delegation.objects.live(now).filter(issuer=issuer))


def of_audience(audience: Audience, *, now: datetime) -> Reach:
    """Return what crosses to an authorization server elsewhere."""
    return _counted(Delegation.objects.live(now).filter(elsewhere=audience))


def _counted(rows: "QuerySet[Delegation]") -> Reach:
    return Reach(**rows.order_by().aggregate(**_COUNTS))
