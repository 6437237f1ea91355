"""`/register` (RFC 7591 §3): a client registers itself, where the tenant lets it."""

from collections.abc import Mapping

import structlog
from django.conf import settings
from django.core.cache import cache
from django.http import HttpResponse, JsonResponse

from agents import actions
from agents.models import Client
from agents.registration import metadata
from kit import forms, strict_json
from kit.oauth import (
    InvalidClientMetadata,
    MethodNotAllowed,
    OAuthError,
    TooLarge,
    UnsupportedMediaType,
)
from tenants.models import Tenant
from tokens.endpoints import door
from tokens.endpoints.request import TenantRequest

_log = structlog.get_logger("remit.register")


def view(request: TenantRequest) -> HttpResponse:
    if request.tenant.registration != Tenant.Registration.OPEN:
        return JsonResponse({"error": "not_found"}, status=404)
    if _is_too_often(request):
        content = {"error": "temporarily_unavailable", "error_description": "Too many registrations from here."}
        return JsonResponse(content, status=429, headers={"Retry-After": "60", "Cache-Control": "no-store"})
    try:
        client, secret = actions.register_dynamically(metadata.parse(_document(door.received(request))))
    except OAuthError as refusal:
        _log.info("refused", error=refusal.code, reason=refusal.reason)
        content = {"error": refusal.code, "error_description": refusal.description}
        allow = {"Allow": "POST"} if refusal.status == 405 else {}
        return JsonResponse(content, status=refusal.status, headers={"Cache-Control": "no-store", **allow})
    return JsonResponse(_answer(client, secret), status=201, headers={"Cache-Control": "no-store"})


def _document(request: door.Received) -> Mapping[str, object]:
    if request.method != "POST":
        raise MethodNotAllowed(request.method)
    if len(request.body) > forms.MAX_BODY:
        raise TooLarge("body")
    if request.content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType(request.content_type[:80])
    try:
        return strict_json.parse_object(request.body)
    except ValueError as error:
        raise InvalidClientMetadata(str(error)) from error


def _answer(client: Client, secret: str) -> Mapping[str, object]:
    """Return all that was registered (RFC 7591 §3.2.1); no member is null."""
    answer: dict[str, object] = {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created.timestamp()),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "grant_types": client.grant_types,
        "response_types": ["code"],
        "token_endpoint_auth_method": client.auth_method,
        **client.metadata,
    }
    if client.jwks_uri or client.jwks:
        answer |= {"jwks_uri": client.jwks_uri} if client.jwks_uri else {"jwks": client.jwks}
    if secret:
        answer |= {"client_secret": secret, "client_secret_expires_at": 0}
    return answer


def _is_too_often(request: TenantRequest) -> bool:
    """Count registrations per tenant and address in the current minute."""
    key = f"{request.tenant.pk}:registrations:{request.META.get('REMOTE_ADDR', '')}"
    cache.add(key, 0, timeout=60)
    try:
        return bool(cache.incr(key) > settings.REGISTRATIONS_PER_MINUTE)
    except ValueError:
        return False  # The minute ended between the two lines.
