"""What registering (RFC 7591) and managing a registration (RFC 7592) have in common: reading, answering, refusing."""

from collections.abc import Mapping

from django.conf import settings
from django.http import HttpResponse, JsonResponse

from agents.models import Client
from agents.registration import vouching
from kit import forms, strict_json
from kit.oauth import GrantType, InvalidClientMetadata, MethodNotAllowed, OAuthError, TooLarge, UnsupportedMediaType
from tenants.models import Tenant
from tokens.endpoints import door, throttle
from tokens.endpoints.request import TenantRequest

_NO_STORE = {"Cache-Control": "no-store"}


def read(request: door.Received, *, method: str) -> Mapping[str, object]:
    """Return the JSON object of a request; raises InvalidRequest and its kin, or InvalidClientMetadata."""
    if request.method != method:
        raise MethodNotAllowed(request.method)
    if len(request.body) > forms.MAX_BODY:
        raise TooLarge("body")
    if request.content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType(request.content_type[:80])
    try:
        return strict_json.parse_object(request.body)
    except ValueError as error:
        raise InvalidClientMetadata(str(error)) from error


def bearer(request: door.Received) -> str:
    """Return the bearer token of a request (RFC 6750 §2.1), or ""; never one of a query or a body."""
    scheme, _, token = request.authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def describe(client: Client, tenant: Tenant, token: str, secret: str = "") -> Mapping[str, object]:
    """Return all that is registered (RFC 7591 §3.2.1, RFC 7592 §3); no member is null.

    Of a secret we hold a digest: it stands here where the caller gets it or brought it.
    """
    answer: dict[str, object] = {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created.timestamp()),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "grant_types": client.grant_types,
        "response_types": ["code"] if client.allows_grant_type(GrantType.AUTHORIZATION_CODE) else [],
        "token_endpoint_auth_method": client.auth_method,
        **client.metadata,
        "registration_client_uri": f"{tenant.issuer}/register/{client.client_id}",
        "registration_access_token": token,
    }
    if client.jwks_uri or client.jwks:
        answer |= {"jwks_uri": client.jwks_uri} if client.jwks_uri else {"jwks": client.jwks}
    if statement := vouching.opened(client):
        answer["software_statement"] = statement
    if secret:
        answer |= {"client_secret": secret, "client_secret_expires_at": 0}
    return answer


def refuse(request: door.Received, refusal: OAuthError, *, allow: str) -> HttpResponse:
    """Return a refusal (RFC 7591 §3.2.2); a 401 says that a bearer token is wanted (RFC 6750 §3)."""
    headers = dict(_NO_STORE)
    if refusal.status == 405:
        headers["Allow"] = allow
    if refusal.status == 401:
        error = f', error="{refusal.code}"' if bearer(request) else ""
        headers["WWW-Authenticate"] = f'Bearer realm="{request.tenant.slug}"{error}'
    content = {"error": refusal.code, "error_description": refusal.description}
    return JsonResponse(content, status=refusal.status, headers=headers)


def too_often() -> HttpResponse:
    content = {"error": "temporarily_unavailable", "error_description": "Too many registrations. Try again later."}
    return JsonResponse(content, status=429, headers={"Retry-After": "60", **_NO_STORE})


def is_too_often(request: TenantRequest) -> bool:
    """Count what is registered or changed in the current minute, by address and tenant, and in the tenant at all.

    An address that is over its own limit does not use up the tenant's.
    """
    place = f"{request.tenant.pk}:registrations"
    here = f"{place}:{request.META.get('REMOTE_ADDR', '')}"
    if not throttle.count(here, limit=settings.REGISTRATIONS_PER_MINUTE, seconds=60):
        return True
    return not throttle.count(place, limit=settings.TENANT_REGISTRATIONS_PER_MINUTE, seconds=60)
