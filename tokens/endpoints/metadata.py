"""Authorization server metadata (RFC 8414 §2, OpenID Connect Discovery §3) at all three well-known URLs.

It publishes only what answers, and is made of the tenant's issuer: the Host header has no part in it.
"""

import json
from collections.abc import Mapping

from django.conf import settings
from django.http.response import HttpResponseBase

from kit import jwks
from kit.caching import TtlCache
from kit.oauth import IDENTITY_SCOPES, AuthMethod, TokenType
from tenants.models import Tenant
from tokens import grants
from tokens.endpoints.documents import document
from tokens.endpoints.request import TenantRequest

MAX_AGE = 300
_documents: TtlCache[tuple[str, int], bytes] = TtlCache(ttl=settings.CACHE_SECONDS, limit=512)


_EXCHANGE = {
    "subject_token_types_supported": [TokenType.ACCESS_TOKEN.value, TokenType.ID_TOKEN.value],
    "actor_token_types_supported": [TokenType.ACCESS_TOKEN.value, TokenType.JWT.value],
    "requested_token_types_supported": [TokenType.ACCESS_TOKEN.value],
}


def view(request: TenantRequest) -> HttpResponseBase:
    tenant = request.tenant
    body = _documents.get((tenant.pk, tenant.version), lambda: json.dumps(describe(tenant)).encode())
    return document(request, body or b"{}", max_age=MAX_AGE)


def describe(tenant: Tenant) -> Mapping[str, object]:
    """Return the tenant's metadata; a member that would be empty is left out."""
    issuer = tenant.issuer
    confidential = [AuthMethod.PRIVATE_KEY_JWT.value, AuthMethod.SECRET_BASIC.value, AuthMethod.SECRET_POST.value]
    content: dict[str, object] = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks.json",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "introspection_endpoint": f"{issuer}/introspect",
        "revocation_endpoint": f"{issuer}/revoke",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(grants.REGISTRY),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [AuthMethod.NONE.value, *confidential],
        "token_endpoint_auth_signing_alg_values_supported": list(jwks.ALGORITHMS),
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": list(jwks.ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": [AuthMethod.NONE.value, *confidential],
        "revocation_endpoint_auth_signing_alg_values_supported": list(jwks.ALGORITHMS),
        "scopes_supported": sorted(IDENTITY_SCOPES),
        "authorization_response_iss_parameter_supported": True,
        "protected_resources": [tenant.api_identifier],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "name", "email"],
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
        "actor_profile_token_exchange": _EXCHANGE,
    }
    if tenant.registration == Tenant.Registration.OPEN:
        content["registration_endpoint"] = f"{issuer}/register"
    if tenant.documents == Tenant.Registration.OPEN:
        content["client_id_metadata_document_supported"] = True
    return content
