"""Room 1: from bytes to plain values and back. No room behind it sees an HTTP request.

A refusal leaves as `{"error", "error_description"}` with no-store (RFC 6749 §5.2); its reason goes to the log and,
once tenant and client are known, into the ledger. Anything unexpected is `server_error` with a request id.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import structlog
from django.db import transaction
from django.http import HttpResponse

from agents.assertions import Evidence
from agents.models import Client
from audit.events import Event
from audit.ledger import JsonValue, record
from audit.principals import Kind, Principal
from kit import context, forms, metrics, outages
from kit.oauth import (
    AuthorizationPending,
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
from tokens.checking.refusals import explain, place
from tokens.endpoints.request import TenantRequest
from tokens.errors import Stale
from tokens.grants import jwt_bearer

FORM = "application/x-www-form-urlencoded"
_log = structlog.get_logger("remit.door")


@dataclass(frozen=True, slots=True)
class Received:
    """A request as the rooms see it: plain values, nothing parsed yet."""

    tenant: Tenant
    method: str
    content_type: str
    query: str
    has_key_proof: bool
    """Whether a DPoP header came (RFC 9449 §4.1)."""
    address: str
    user_agent: str
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
    evidence: Evidence = field(default_factory=Evidence)
    refusal: type[OAuthError] = InvalidGrant
    """How it is said that what a token would hang on is over."""
    event: Event = Event.TOKEN_REFUSED
    """What a refusal is called in the ledger."""
    room: str = "request"
    """Where the request stands (`tokens.checking.refusals.ROOMS`): what a refusal is explained by."""
    grant: str = ""
    """By which grant a token is asked for, once that is known."""
    subject: str = ""
    """For whom it asks, as soon as that is proved."""
    form: forms.Form = field(default_factory=dict, repr=False)


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
        has_key_proof="HTTP_DPOP" in request.META,
        address=request.META.get("REMOTE_ADDR", ""),
        user_agent=request.META.get("HTTP_USER_AGENT", ""),
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
    visit, began = Visit(), time.perf_counter()
    try:
        return _answer(room, request, visit)
    except Exception as error:  # The door is where the unexpected ends: logged, and never shown.
        if outages.is_outage(error):
            _log.exception("database unavailable", request_id=context.request_id())
            return _error(TemporarilyUnavailable(), {"Retry-After": outages.RETRY_AFTER})
        _log.exception("unexpected", request_id=context.request_id())
        return _error(ServerError())
    finally:
        if visit.grant:
            metrics.TOKEN_SECONDS.labels(visit.grant).observe(time.perf_counter() - began)


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
        # What is kept by the tenant's version is asked for by the one that the mint compares.
        with context.use(fresh):
            return room(replace(request, tenant=fresh), visit)
    except Stale as stale:
        visit.room = "mint"
        raise visit.refusal(f"{stale}: what it hangs on is over") from stale


def _refuse(refusal: OAuthError, visit: Visit) -> Response:
    _log.info("refused", error=refusal.code, reason=refusal.reason, request_id=context.request_id(), **_names(visit))
    metrics.REFUSALS.labels(refusal.code, visit.room).inc()
    # A device that waits asks every few seconds, and nobody says no to it.
    if visit.client is not None and not isinstance(refusal, AuthorizationPending):
        with transaction.atomic():
            record(
                visit.event,
                by=_principal(visit),
                about=visit.client,
                on_behalf_of=visit.subject,
                through=visit.client.agent_id or "",
                reason=refusal.reason,
                detail=_detail(refusal, visit, visit.client),
            )
    headers = {"WWW-Authenticate": f'Basic realm="{context.current_id()}"'} if refusal.status == 401 else {}
    return _error(refusal, {**headers, **({"Allow": "POST"} if refusal.status == 405 else {})})


def _names(visit: Visit) -> dict[str, str]:
    """Return who asked, for the log."""
    return {"client": visit.client.client_id, "agent": visit.client.agent_id or ""} if visit.client else {}


def _issuer(visit: Visit) -> dict[str, str]:
    """Return whose assertion was refused, where one was presented."""
    issuer = jwt_bearer.issuer_of(visit.form) if visit.grant == jwt_bearer.GRANT_TYPE else ""
    return {"issuer": issuer} if issuer else {}


def _detail(refusal: OAuthError, visit: Visit, client: Client) -> dict[str, JsonValue]:
    """Return how far a request came, where it asked to be let in, and whose assertion it brought."""
    steps = explain(refusal, room=visit.room, client_id=client.client_id, form=visit.form)
    told: dict[str, JsonValue] = {"error": refusal.code, "steps": [step.as_json() for step in steps]}
    return {**told, **place(visit.form), **_issuer(visit)}


def _error(refusal: OAuthError, headers: Mapping[str, str] | None = None) -> Response:
    reference = f" Reference: {context.request_id()}." if refusal.status >= 500 else ""
    content = {"error": refusal.code, "error_description": refusal.description + reference, **refusal.members}
    if refusal.page:
        content["error_uri"] = refusal.page
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
