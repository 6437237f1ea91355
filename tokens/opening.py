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
)


@transaction.atomic
def open_tenant(slug: str, name: str, *, by: Principal) -> Tenant:
    """Create a tenant that can issue tokens; raises SlugTaken."""
    tenant = tenant_actions.create_tenant(slug, name, by=by)
    with context.use(tenant):
        rotation.open_keys(now=timezone.now(), by=by)
        tenant_actions.add_resource_server(tenant.api_identifier, f"{name} agent API", API_SCOPES, by=by)
    return tenant
