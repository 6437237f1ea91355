"""Opening a tenant: its row, its first keys, and this product's own API as its first resource server."""

from django.db import transaction
from django.utils import timezone

from audit.principals import Principal
from kit import context
from tenants import actions as tenant_actions
from tenants.actions import ScopeWords
from tenants.models import Tenant
from tokens import rotation

API_SCOPES = (
    ScopeWords("self:read", "See who it is and for whom it acts", is_default=True),
    ScopeWords("delegations:read", "See its own access", is_default=True),
    ScopeWords("delegations:end", "Give back its own access", is_writing=True),
    ScopeWords("delegations:oversee", "See what agents may do for you, and for those whom you look after"),
    ScopeWords("delegations:revoke", "End what agents may do for people", is_writing=True),
    ScopeWords("delegations:narrow", "Make smaller what agents may do for people", is_writing=True),
    ScopeWords("delegations:ask", "Ask people to renew what they allowed", is_writing=True),
    ScopeWords("tenants:read", "See in which organisations you have a place"),
    ScopeWords("views:read", "See which lists you saved, and which are shared"),
    ScopeWords("views:write", "Save lists for you, and remove them", is_writing=True),
    ScopeWords("views:share", "Share lists with everybody of your organisation, and end that", is_writing=True),
    ScopeWords("agents:read", "See your organisation's agents, and who answers for them"),
    ScopeWords("agents:write", "Register, change, pause and end your organisation's agents", is_writing=True),
    ScopeWords("clients:read", "See how your organisation's agents come in"),
    ScopeWords("clients:write", "Change how your organisation's agents come in", is_writing=True),
    ScopeWords("credentials:read", "See which secrets and keys your organisation's agents have, and never a secret"),
    ScopeWords("credentials:write", "Make and retire secrets and keys of your organisation's agents", is_writing=True),
    ScopeWords("approvals:read", "See which agents wait for a decision"),
    ScopeWords("approvals:decide", "Approve and deny agents for you", is_writing=True),
    ScopeWords("questions:read", "See what those who decide about agents ask you"),
    ScopeWords("questions:answer", "Answer them in your name", is_writing=True),
    ScopeWords("checks:run", "Check what agents may do, and see why one was refused"),
    ScopeWords("jobs:read", "See what became of long work"),
    ScopeWords("jobs:run", "End access of many people at once", is_writing=True),
    ScopeWords("trust:read", "See whom your organisation trusts"),
    ScopeWords("trust:write", "Change whom your organisation trusts", is_writing=True),
    ScopeWords("resources:read", "See which services your organisation protects"),
    ScopeWords("resources:write", "Change the services your organisation protects", is_writing=True),
    ScopeWords("members:read", "See the people of your organisation"),
    ScopeWords("members:write", "Invite and remove people, and change what they may do", is_writing=True),
    ScopeWords("settings:read", "See your organisation's settings"),
    ScopeWords("settings:write", "Change your organisation's settings", is_writing=True),
    ScopeWords("tenant:pause", "Pause your organisation, so that no agent gets anything there", is_writing=True),
    ScopeWords("events:read", "See and export what happened in your organisation"),
    ScopeWords("webhooks:read", "See who else is told what happens in your organisation"),
    ScopeWords("webhooks:write", "Say who else is told what happens in your organisation", is_writing=True),
    ScopeWords("registration:read", "See who may register agents"),
    ScopeWords("registration:write", "Let others register agents", is_writing=True),
    ScopeWords("keys:read", "See your organisation's signing keys"),
    ScopeWords("keys:write", "Replace signing keys, and end one that leaked", is_writing=True),
)

OF_AGENTS = frozenset({"self:read", "delegations:read", "delegations:end"})
"""What an agent may do there by itself; everything else is for people who look after the tenant."""


@transaction.atomic
def open_tenant(slug: str, name: str, *, by: Principal) -> Tenant:
    """Create a tenant that can issue tokens; raises SlugTaken."""
    tenant = tenant_actions.create_tenant(slug, name, by=by)
    with context.use(tenant):
        rotation.open_keys(now=timezone.now(), by=by)
        tenant_actions.add_resource_server(tenant.api_identifier, f"{name} agent API", API_SCOPES, by=by)
    return tenant
