"""`/register` (RFC 7591 §3): a client registers itself, where the tenant lets it."""

import structlog
from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.utils import timezone

from agents import managing, registration_tokens
from agents.managing import Backing, Registered
from agents.models import RegistrationToken
from agents.registration import statements
from kit import context
from kit.oauth import InvalidToken, OAuthError
from tenants.models import Tenant
from tokens.endpoints import door, registration
from tokens.endpoints.request import TenantRequest

_log = structlog.get_logger("remit.register")


def view(request: TenantRequest) -> HttpResponse:
    if request.tenant.registration == Tenant.Registration.OFF:
        return JsonResponse({"error": "not_found"}, status=404)
    received = door.received(request)
    if registration.is_too_often(request):
        return registration.too_often()
    try:
        registered = _register(received)
    except OAuthError as refusal:
        _log.info("refused", error=refusal.code, reason=refusal.reason)
        if refusal.status == 400:
            managing.refuse("", refusal)
        return registration.refuse(received, refusal, allow="POST")
    answer = registration.describe(registered.client, received.tenant, registered.token, registered.secret)
    return JsonResponse(answer, status=201, headers={"Cache-Control": "no-store"})


def _register(received: door.Received) -> Registered:
    now = timezone.now()
    said = registration.read(received, method="POST")
    token = _initial_token(received)
    vouched = statements.read(said, received.tenant, now=now)
    with transaction.atomic():
        return managing.register(vouched.metadata, Backing(token, vouched.statement, vouched.issuer), now=now)


def _initial_token(received: door.Received) -> RegistrationToken | None:
    """Return the admin's token that came, where one did; raises InvalidToken for a bad one, or where one is needed."""
    presented = registration.bearer(received)
    if not presented and not received.tenant.registration_needs_token:
        return None
    found = registration_tokens.good(presented, now=timezone.now()) if presented else None
    if found is None:
        raise InvalidToken("an initial access token is needed")
    context.proved(context.Proof("initial_access_token"))
    return found
