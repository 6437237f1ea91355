"""RFC 6749 §4.4: an agent for itself, as far as an admin allowed it. Its authority is a delegation like any other."""

from django.conf import settings

from agents.models import Client
from delegations.models import Delegation
from kit.caching import TtlCache
from kit.oauth import GrantType, UnauthorizedClient
from tenants.models import Tenant
from tokens import approved
from tokens.values import Proof, TokenRequest

GRANT_TYPE = GrantType.CLIENT_CREDENTIALS
PARAMETERS = ()

_own: TtlCache[tuple[str, str], tuple[Delegation, ...]] = TtlCache(ttl=settings.CACHE_SECONDS)


def prove(tenant: Tenant, client: Client, request: TokenRequest) -> Proof:
    """Return what an authenticated agent may do for itself; raises UnauthorizedClient."""
    if client.is_public or client.agent is None:
        raise UnauthorizedClient("only a confidential client of an agent acts for itself")
    if request.deferral and (proof := approved.prove(tenant, client, request)) is not None:
        return proof
    delegations = _own.get((tenant.pk, client.pk), lambda: _load(client))
    if delegations is None:
        raise UnauthorizedClient(f"{client.agent.pk} may do nothing for itself", about=client.agent.pk)
    return Proof(
        tenant=tenant,
        subject=client.agent.pk,
        actor=None,
        client=client,
        scopes=frozenset().union(*(delegation.scope_set for delegation in delegations)),
        delegations=delegations,
        may_infer_audience=False,
    )


def forget(tenant: Tenant, client: Client) -> None:
    """Drop what this process keeps of one client."""
    _own.forget((tenant.pk, client.pk))


def forget_all() -> None:
    """Drop what this process keeps."""
    _own.clear()


def _load(client: Client) -> tuple[Delegation, ...] | None:
    found = Delegation.objects.filter(subject=client.agent_id, client=client, ended_at=None)
    return tuple(found) or None
