"""Bearer authentication: the toolkit's class for DRF, answered by our backend's `verify_request`."""

from typing import Any, cast

from oauth2_provider.contrib.rest_framework import OAuth2Authentication
from rest_framework.request import Request

from api import limits
from kit import context
from tenants.models import Tenant
from tokens.endpoints.request import TenantRequest
from tokens.models import AccessToken, RefreshToken


class AgentBearer(OAuth2Authentication):
    """An access token whose audience is this API. A 401 says where to get one (RFC 9728 §5.1).

    Whoever brings a good one is counted: what they may not do counts as well.
    """

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        found: tuple[Any, Any] | None = super().authenticate(request)
        if found is not None:
            limits.check(found[1].token)
            context.proved(lambda: _proof(found[1].token))
        return found

    def authenticate_header(self, request: Request) -> str:
        # A caller that brought nothing is told no error (RFC 6750 §3).
        error = "invalid_token" if request.headers.get("Authorization") else ""
        return challenge(tenant_of(request), scope="self:read", error=error)


def _proof(token: AccessToken) -> context.Proof:
    """Return that a token was presented, and when the person it speaks for had signed in for it."""
    family = RefreshToken.objects.filter(pk=token.family_id).values_list("auth_time", flat=True)
    return context.Proof("access_token", family.first() if token.family_id else None)


def tenant_of(request: Request) -> Tenant:
    """Return the tenant whose API was called."""
    return cast(TenantRequest, request._request).tenant


def challenge(tenant: Tenant, *, scope: str, error: str) -> str:
    """Return the value of WWW-Authenticate: what went wrong, if anything did, and where to ask for what."""
    origin, path = tenant.api_identifier.split("/t/", 1)
    metadata = f"{origin}/.well-known/oauth-protected-resource/t/{path}"
    members = {"realm": tenant.slug, "error": error, "resource_metadata": metadata, "scope": scope}
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in members.items() if value)
