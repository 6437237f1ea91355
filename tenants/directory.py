"""Look-ups that every request makes, kept in process for a few seconds.

What is kept may be that old; the statement that records a token checks versions and status again (`tokens.issuer`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS

from kit import context
from kit.caching import TtlCache
from tenants.models import Downstream, ResourceServer, Scope, Tenant
from tenants.rules import is_slug


@dataclass(frozen=True, slots=True)
class Protected:
    """A resource server with its scopes, as a request sees it."""

    server: ResourceServer
    scopes: Mapping[str, Scope]

    @property
    def default_scopes(self) -> frozenset[str]:
        return frozenset(name for name, scope in self.scopes.items() if scope.is_default)

    @property
    def kept_scopes(self) -> frozenset[str]:
        """What stays with the agent that was allowed it."""
        return frozenset(name for name, scope in self.scopes.items() if not scope.is_delegable)

    def longest(self, scopes: frozenset[str]) -> int | None:
        """Return for how many seconds a token with these scopes lives at most, or None where no scope says."""
        said = (self.scopes[name].longest_seconds for name in scopes & self.scopes.keys())
        return min((seconds for seconds in said if seconds is not None), default=None)


_tenants: TtlCache[str, Tenant] = TtlCache(ttl=settings.CACHE_SECONDS)
# By tenant and its version, which every change moves and the mint compares: what is kept is never older than the tenant
# that a request is judged by.
_resources: TtlCache[tuple[str, int], Mapping[str, Protected]] = TtlCache(ttl=settings.CACHE_SECONDS)
_edges: TtlCache[tuple[str, int], Mapping[tuple[str, str], Downstream]] = TtlCache(ttl=settings.CACHE_SECONDS)

_SERVER = [field.attname for field in ResourceServer._meta.concrete_fields]
_SCOPE = [field.attname for field in Scope._meta.concrete_fields]


def current() -> Tenant:
    """Return the current tenant; raises NoTenant outside of every tenant."""
    tenant = context.current()
    if not isinstance(tenant, Tenant):
        raise context.NoTenant("no tenant is current here")
    return tenant


def tenant_by_slug(slug: str) -> Tenant | None:
    """Return an active tenant; one that was suspended or deleted looks like one that never was."""
    if not is_slug(slug):
        return None
    return _tenants.get(slug, lambda: Tenant.objects.filter(slug=slug, status=Tenant.Status.ACTIVE).first())


def paused_tenant(slug: str) -> Tenant | None:
    """Return a tenant that its own admins paused: its pages say so, and to programs it is not there."""
    return Tenant.objects.filter(slug=slug, status=Tenant.Status.PAUSED).first() if is_slug(slug) else None


def resource_servers() -> Mapping[str, Protected]:
    """Return the current tenant's resource servers by identifier."""
    return _resources.get(_policy(), _load) or {}


def resource_server(identifier: str) -> Protected | None:
    """Return one resource server of the current tenant by its exact identifier."""
    return resource_servers().get(identifier)


def kept_scopes(identifier: str) -> frozenset[str]:
    """Return what stays at a resource server with the agent that was allowed it."""
    protected = resource_server(identifier)
    return protected.kept_scopes if protected else frozenset()


def downstream(upstream: str, identifier: str) -> Downstream | None:
    """Return the edge from one resource server to another of the current tenant, by their identifiers."""
    return (_edges.get(_policy(), _load_edges) or {}).get((upstream, identifier))


def forget(tenant: Tenant) -> None:
    """Drop what this process keeps of one tenant."""
    _tenants.forget(tenant.slug)
    _resources.forget((tenant.pk, tenant.version))
    _edges.forget((tenant.pk, tenant.version))


def forget_all() -> None:
    """Drop what this process keeps; other processes follow within CACHE_SECONDS."""
    _tenants.clear()
    _resources.clear()
    _edges.clear()


def _policy() -> tuple[str, int]:
    tenant = current()
    return tenant.pk, tenant.version


def _load() -> Mapping[str, Protected] | None:
    """Return the servers with their scopes, in one statement: each server once for each scope, or once without."""
    rows = ResourceServer.objects.filter(retired_at=None).order_by("pk", "scopes__position", "scopes__pk")
    found: dict[str, tuple[ResourceServer, dict[str, Scope]]] = {}
    for row in rows.values_list(*_SERVER, *(f"scopes__{name}" for name in _SCOPE)):
        one = ResourceServer.from_db(DEFAULT_DB_ALIAS, _SERVER, row[: len(_SERVER)])
        server, scopes = found.setdefault(one.identifier, (one, {}))
        scope = Scope.from_db(DEFAULT_DB_ALIAS, _SCOPE, row[len(_SERVER) :])
        if scope.pk is not None:
            scope.resource_server = server
            scopes[scope.name] = scope
    return {identifier: Protected(*both) for identifier, both in found.items()} or None


def _load_edges() -> Mapping[tuple[str, str], Downstream]:
    edges = Downstream.objects.select_related("upstream", "downstream")
    return {(edge.upstream.identifier, edge.downstream.identifier): edge for edge in edges}
