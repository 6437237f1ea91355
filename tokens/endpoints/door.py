"""Room 1: from bytes to plain values and back. No room behind it sees an HTTP request.

A refusal leaves as `{"error", "error_description"}` with no-store (RFC 6749 §5.2); its reason goes to the log and,
once tenant and client are known, into the ledger. Anything unexpected is `server_error` with a request id.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import structlog
from django.db import OperationalError, transaction
from django.http import HttpResponse

from agents.models import Client
from audit.events import Event
from audit.ledger import record
from audit.principals import Kind, Principal
from kit import context, forms
from kit.oauth import (
    InvalidGrant,
    InvalidRequest,
    MethodNotAllowed,
    OAuthError,
    Replayed,
    ServerError,
    TemporarilyUnavailable,
    TooLarge,
    UnsupportedMediaType,
)
from tenants import directory
from tenants.models import Tenant
from tokens import actions, caches
from tokens.endpoints.request import TenantRequest
from tokens.errors import Stale

FORM = "application/x-www-form-urlencoded"
_log = structlog.get_logger("remit.door")


@dataclass(frozen=True, slots=True)
class Received:
    """A request as the rooms see it: plain values, nothing parsed yet."""

    tenant: Tenant
    method: str
    content_type: str
    query: str
    authorization: str = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: status, headers, bytes."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str]


@dataclass(slots=True)
class Visit:
    """What the door learns on the way, for the ledger of a refusal."""

    client: Client | None = None
    spent: set[str] = field(default_factory=set)
    refusal: type[OAuthError] = InvalidGrant
    """How it is said that what a token would hang on is over."""


Room = Callable[[Received, Visit], Mapping[str, object]]


def received(request: TenantRequest) -> Received:
    """Return what a request brings; the body is not touched when it says that it is too long."""
    tenant = request.tenant
    assert isinstance(tenant, Tenant)
    return Received(
        tenant=tenant,
        method=request.method or "",
        content_type=request.META.get("CONTENT_TYPE", ""),
        query=request.META.get("QUERY_STRING", ""),
        authorization=request.META.get("HTTP_AUTHORIZATION", ""),
        body=_body(request),
    )


def read_form(request: Received) -> forms.Form:
    """Return the form of a POST; raises InvalidRequest and its kin."""
    if request.method != "POST":
        raise MethodNotAllowed(request.method)
    if len(request.body) > forms.MAX_BODY:
        raise TooLarge("body")
    if request.content_type.partition(";")[0].strip().lower() != FORM:
        raise UnsupportedMediaType(request.content_type[:80])
    if request.query:
        raise InvalidRequest("parameters in the query of a POST")
    return forms.parse(request.body)


def respond(room: Room, request: Received) -> Response:
    """Take a request to its room and turn what happens there into an answer."""
    visit = Visit()
    try:
        return _answer(room, request, visit)
    except OperationalError:
        _log.exception("database unavailable", request_id=context.request_id())
        return _error(TemporarilyUnavailable(), {"Retry-After": "2"})
    except Exception:  # The door is where the unexpected ends: logged, and never shown.
        _log.exception("unexpected", request_id=context.request_id())
        return _error(ServerError())


def as_http(response: Response) -> HttpResponse:
    """Return Django's form of an answer."""
    return HttpResponse(response.body, status=response.status, headers=dict(response.headers))


def _answer(room: Room, request: Received, visit: Visit) -> Response:
    """Answer or refuse; what a refusal writes may fail too, and then ends in the door like everything else."""
    try:
        return _json(200, _twice(room, request, visit))
    except Replayed as refusal:
        actions.revoke_family(refusal.family, by=_principal(visit), reason=refusal.reason)
        return _refuse(refusal, visit)
    except OAuthError as refusal:
        return _refuse(refusal, visit)


def _twice(room: Room, request: Received, visit: Visit) -> Mapping[str, object]:
    """Run the room; if a cache was behind the database, read again and run it once more."""
    try:
        return room(request, visit)
    except Stale:
        caches.forget(request.tenant, visit.client)
        visit.client = None
    fresh = directory.tenant_by_slug(request.tenant.slug)
    if fresh is None:
        raise InvalidGrant("the tenant is not active")
    try:
        return room(replace(request, tenant=fresh), visit)
    except Stale as stale:
        raise visit.refusal(f"{stale}: what it hangs on is over") from stale


def _refuse(refusal: OAuthError, visit: Visit) -> Response:
    _log.info("refused", error=refusal.code, reason=refusal.reason, request_id=context.request_id())
    if visit.client is not None:
        with transaction.atomic():
            record(
                Event.TOKEN_REFUSED,
                by=_principal(visit),
                about=visit.client,
                reason=refusal.reason,
                detail={"error": refusal.code},
            )
    headers = {"WWW-Authenticate": f'Basic realm="{context.current_id()}"'} if refusal.status == 401 else {}
    return _error(refusal, {**headers, **({"Allow": "POST"} if refusal.status == 405 else {})})


def _error(refusal: OAuthError, headers: Mapping[str, str] | None = None) -> Response:
    content = {"error": refusal.code, "error_description": refusal.description}
    if refusal.status >= 500:
        content["error_description"] += f" Reference: {context.request_id()}."
    return _json(refusal.status, content, headers)


def _json(status: int, content: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps(content, separators=(",", ":")).encode() if content else b""
    base = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Response(status, body, {**base, **(headers or {})})


def _principal(visit: Visit) -> Principal:
    if visit.client is None:
        return Principal(Kind.SYSTEM, "unknown")
    return Principal(Kind.CLIENT, visit.client.client_id, visit.client.name)


def _body(request: TenantRequest) -> bytes:
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if not declared.isdecimal() or int(declared) > forms.MAX_BODY:
        return b" " * (forms.MAX_BODY + 1)
    return request.read(forms.MAX_BODY + 1) or b""
