"""Authorization server metadata (RFC 8414 §2, OpenID Connect Discovery §3) at all three well-known URLs.

It publishes only what answers, and is made of the tenant's issuer: the Host header has no part in it.
"""

import json
from collections.abc import Mapping

from django.conf import settings
from django.http.response import HttpResponseBase

from kit import jwks
from kit.caching import TtlCache
from kit.oauth import IDENTITY_SCOPES, AuthMethod, GrantType, TokenType
from tenants.models import Tenant
from tokens import grants
from tokens.endpoints.documents import document
from tokens.endpoints.request import TenantRequest
from trust.models import Audience, TrustedIssuer

MAX_AGE = 300
_documents: TtlCache[tuple[str, int], bytes] = TtlCache(ttl=settings.CACHE_SECONDS, limit=512)


_EXCHANGE = {
    "subject_token_types_supported": [TokenType.ACCESS_TOKEN.value, TokenType.ID_TOKEN.value],
    "actor_token_types_supported": [TokenType.ACCESS_TOKEN.value, TokenType.JWT.value],
    "requested_token_types_supported": [TokenType.ACCESS_TOKEN.value],
}
_ACROSS = {
    "subject_token_types_supported": [*_EXCHANGE["subject_token_types_supported"], TokenType.REFRESH_TOKEN.value],
    "requested_token_types_supported": [TokenType.ACCESS_TOKEN.value, TokenType.ID_JAG.value],
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
        "grant_types_supported": [each for each in grants.REGISTRY if _serves(tenant, each)],
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
        "deferred_token_response_supported": True,
        # The second word is called `token_timeout` since draft 02; both are said until readers have moved.
        "refresh_token_expiration_types_supported": ["authorization", "credential", "token_timeout"],
        "actor_profile_token_exchange": _EXCHANGE,
    }
    return {**content, **_by_choice(tenant)}


def _serves(tenant: Tenant, grant: str) -> bool:
    return grant != GrantType.DEVICE_CODE or tenant.device_codes != Tenant.Devices.OFF


def _by_choice(tenant: Tenant) -> Mapping[str, object]:
    """Return what is served only where an admin switched it on."""
    content: dict[str, object] = {}
    if _serves(tenant, GrantType.DEVICE_CODE):
        content["device_authorization_endpoint"] = f"{tenant.issuer}/device_authorization"
    if tenant.registration != Tenant.Registration.OFF:
        content["registration_endpoint"] = f"{tenant.issuer}/register"
    if tenant.documents != Tenant.Registration.OFF:
        content["client_id_metadata_document_supported"] = True
    if Audience.objects.filter(is_enabled=True).exists():
        content["identity_chaining_requested_token_types_supported"] = [TokenType.ID_JAG.value]
        content["actor_profile_token_exchange"] = _EXCHANGE | _ACROSS
    if any(each.serves(TrustedIssuer.Purpose.ID_JAG) for each in TrustedIssuer.objects.all()):
        content["authorization_grant_profiles_supported"] = ["urn:ietf:params:oauth:grant-profile:id-jag"]
    return content
