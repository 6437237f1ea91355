"""The protocol endpoints of a tenant. They are served before any middleware for pages (`remit.middleware`)."""

from collections.abc import Callable, Mapping

from django.http.response import HttpResponseBase

from tokens.dot.views import IntrospectionEndpoint, RevocationEndpoint, TokenEndpoint
from tokens.endpoints import jwks, metadata, protected_resource, register, userinfo
from tokens.endpoints.request import TenantRequest

View = Callable[[TenantRequest], HttpResponseBase]

PROTOCOL: Mapping[str, View] = {
    "/token": TokenEndpoint.as_view(),
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

OPEN_TO_BROWSERS = frozenset({"/token", "/revoke", "/register", "/jwks.json", "/userinfo"})
"""Endpoints that answer scripts of any origin (CORS), as the documents do; never with credentials."""
