"""Looking clients and handovers up, kept in process for a few seconds (see `tenants.directory`)."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from agents.models import AssertionRule, Client, Handover, NameElsewhere
from kit import context
from kit.caching import TtlCache
from tenants.directory import current
from trust.models import Audience


@dataclass(frozen=True, slots=True)
class Across:
    """What an admin said of a client at an authorization server elsewhere: its name there, and rules by resource."""

    client_id_there: str
    rules: Mapping[str, AssertionRule]


_clients: TtlCache[tuple[str, str], Client] = TtlCache(ttl=settings.CACHE_SECONDS)
# By tenant and its version, which every change moves and the mint compares: what is kept is never older than the tenant
# that a request is judged by.
_across: TtlCache[tuple[str, int, str, str], Across] = TtlCache(ttl=settings.CACHE_SECONDS)
_handovers: TtlCache[tuple[str, int], Mapping[str, frozenset[str]]] = TtlCache(ttl=settings.CACHE_SECONDS)


def client(client_id: str) -> Client | None:
    """Return a client of the current tenant, in whatever status, with its agent and resource server."""
    return _clients.get((context.require_id(), client_id), lambda: _load(client_id))


def client_now(client_id: str) -> Client | None:
    """Return the same as the database knows it at this moment; what was kept of it is dropped."""
    forget(client_id)
    return _load(client_id)


def helpers(agent_id: str) -> frozenset[str]:
    """Return the agents that an agent of the current tenant may hand part of its authority to, by an admin's word."""
    known = _handovers.get(_policy(), _load_handovers) or {}
    return known.get(agent_id, frozenset())


def reach(agent_id: str, steps: int) -> frozenset[str]:
    """Return all agents that authority of this one may come to, handed on as often as `steps`."""
    found: frozenset[str] = frozenset()
    level = frozenset({agent_id})
    for _ in range(steps):
        level = frozenset().union(*(helpers(each) for each in level)) - found - {agent_id}
        if not level:
            break
        found |= level
    return found


def across(client: Client, audience: Audience) -> Across:
    """Return what an admin said of a client at an authorization server elsewhere; a document's id is its name."""
    found = _across.get((*_policy(), client.pk, audience.pk), lambda: _load_across(client, audience))
    return found or Across("", {})


def forget_handovers() -> None:
    """Drop what this process keeps of the current tenant's handovers."""
    _handovers.forget(_policy())


def forget(client_id: str) -> None:
    """Drop what this process keeps of one client of the current tenant."""
    _clients.forget((context.require_id(), client_id))


def forget_all() -> None:
    """Drop what this process keeps."""
    _clients.clear()
    _handovers.clear()
    _across.clear()


def _load(client_id: str) -> Client | None:
    return Client.objects.select_related("agent", "resource_server").filter(client_id=client_id).first()


def _load_across(client: Client, audience: Audience) -> Across:
    named = NameElsewhere.objects.filter(client=client, audience=audience).first()
    rules = AssertionRule.objects.filter(client=client, audience=audience)
    own = client.client_id if client.is_document else ""
    return Across(named.client_id_there if named else own, {rule.resource: rule for rule in rules})


def _policy() -> tuple[str, int]:
    tenant = current()
    return tenant.pk, tenant.version


def _load_handovers() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for agent_id, to_agent_id in Handover.objects.values_list("agent_id", "to_agent_id"):
        found[agent_id].add(to_agent_id)
    return {agent_id: frozenset(to) for agent_id, to in found.items()}
