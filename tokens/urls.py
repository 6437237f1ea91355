"""The protocol endpoints of a tenant. They are served before any middleware for pages (`remit.middleware`)."""

from collections.abc import Callable, Mapping

from django.http.response import HttpResponseBase

from tokens.dot.views import IntrospectionEndpoint, RevocationEndpoint, TokenEndpoint
from tokens.endpoints import (
    colours,
    device_authorization,
    jwks,
    logos,
    manage,
    metadata,
    protected_resource,
    register,
    tenant_logo,
    userinfo,
)
from tokens.endpoints.request import TenantRequest

View = Callable[[TenantRequest], HttpResponseBase]

PROTOCOL: Mapping[str, View] = {
    "/token": TokenEndpoint.as_view(),
    "/device_authorization": device_authorization.view,
    "/introspect": IntrospectionEndpoint.as_view(),
    "/revoke": RevocationEndpoint.as_view(),
    "/register": register.view,
    "/jwks.json": jwks.view,
    "/userinfo": userinfo.view,
    "/.well-known/openid-configuration": metadata.view,
}
"""By path below the issuer."""

WELL_KNOWN: Mapping[str, Mapping[str, View]] = {
    "oauth-authorization-server": {"": metadata.view},
    "openid-configuration": {"": metadata.view},
    "oauth-protected-resource": {"/api/v1": protected_resource.view},
}
"""By well-known suffix, then by what follows the issuer's path (RFC 8414 §3.1, RFC 9728 §3.1)."""

_OPEN = frozenset(
    {
        "/token",
        "/device_authorization",
        "/revoke",
        "/register",
        "/jwks.json",
        "/userinfo",
        "/.well-known/openid-configuration",
        "",
    }
)
_HOSTED = "/resource-metadata/"


def protocol_view(path: str) -> View | None:
    """Return the view of a protocol endpoint by its path below the issuer, or None for a page."""
    if path.startswith(_HOSTED):
        return lambda request: protected_resource.hosted(request, path.removeprefix(_HOSTED))
    if path.startswith(colours.PREFIX):
        return lambda request: colours.view(request, path.removeprefix(colours.PREFIX))
    if path.startswith(tenant_logo.PREFIX):
        return lambda request: tenant_logo.view(request, path.removeprefix(tenant_logo.PREFIX))
    if path.startswith(logos.PREFIX):
        return lambda request: logos.view(request, path.removeprefix(logos.PREFIX))
    if path.startswith(manage.PREFIX):
        return lambda request: manage.view(request, path.removeprefix(manage.PREFIX))
    return PROTOCOL.get(path)


def is_open_to_browsers(path: str) -> bool:
    """Say whether scripts of any origin may read the answer (CORS), as documents let them; never with credentials."""
    return path in _OPEN or path.startswith((_HOSTED, manage.PREFIX))
