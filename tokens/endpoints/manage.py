"""`/register/<client_id>` (RFC 7592): a client that registered itself reads, replaces and ends its registration."""

from collections.abc import Mapping

import structlog
from django.http import HttpResponse, JsonResponse
from django.utils import timezone

from agents import actions, managing
from agents.errors import NotActive
from agents.models import Client
from agents.registration import statements
from audit.principals import Kind, Principal
from kit import context, opaque
from kit.oauth import Forbidden, InvalidClientMetadata, InvalidToken, MethodNotAllowed, OAuthError
from tenants.models import Tenant
from tokens import stops
from tokens.endpoints import door, registration
from tokens.endpoints.request import TenantRequest

PREFIX = "/register/"
METHODS = ("GET", "PUT", "DELETE")
_NEVER = (
    "registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at",
)  # fmt: skip
_log = structlog.get_logger("remit.register")


def view(request: TenantRequest, client_id: str) -> HttpResponse:
    received = door.received(request)
    if request.method == "PUT" and registration.is_too_often(request):
        return registration.too_often()
    try:
        return _answer(received, client_id)
    except OAuthError as refusal:
        _log.info("refused", error=refusal.code, reason=refusal.reason)
        if refusal.status == 400:  # Whoever sent it held the registration.
            managing.refuse(client_id, refusal)
        return registration.refuse(received, refusal, allow=", ".join(METHODS))


def _answer(request: door.Received, client_id: str) -> HttpResponse:
    if request.method not in METHODS:
        raise MethodNotAllowed(request.method)
    token = registration.bearer(request)
    client = managing.holder(client_id, token)
    if client is None:
        raise InvalidToken(f"no registration token of {client_id[:80]!r}")
    context.proved(context.Proof("registration_access_token"))
    try:
        if request.method == "DELETE":
            return _end(client)
        secret = ""
        if request.method == "PUT":
            client, secret = _replace(request, client)
    except NotActive as error:
        # Somebody ended it between two lines.
        raise InvalidToken(f"{client_id[:80]!r} is over") from error
    answer = registration.describe(client, request.tenant, token, secret)
    return JsonResponse(answer, headers={"Cache-Control": "no-store"})


def _end(client: Client) -> HttpResponse:
    by = Principal(Kind.CLIENT, client.client_id, client.name)
    stops.unregister(client, by=by, reason="it ended its registration")
    return HttpResponse(status=204, headers={"Cache-Control": "no-store"})


def _replace(request: door.Received, client: Client) -> tuple[Client, str]:
    """Take what a client says as all that it is (§2.2), by the validator that registers; a member left out is gone."""
    if request.tenant.registration == Tenant.Registration.OFF:
        raise Forbidden("the tenant takes no registrations any more")
    said = registration.read(request, method="PUT")
    kept = _check(said, client)
    now = timezone.now()
    vouched = statements.read(said, request.tenant, now=now)
    changed, secret = actions.replace_registration(
        client, vouched.metadata, now=now, statement=vouched.statement, issuer=vouched.issuer
    )
    return changed, secret or (kept if changed.client_secret else "")


def _check(said: Mapping[str, object], client: Client) -> str:
    """Return the secret that was sent, if one was; raises InvalidClientMetadata for what only the server says."""
    if said.get("client_id") != client.client_id:
        raise InvalidClientMetadata("client_id must be the client's own")
    if named := [name for name in _NEVER if name in said]:
        raise InvalidClientMetadata(f"{', '.join(named)} cannot be said")
    secret = said.get("client_secret")
    if secret is None:
        return ""
    if not isinstance(secret, str) or not opaque.matches(secret, client.client_secret):
        raise InvalidClientMetadata("client_secret is not the current one")
    return secret
