"""Refusals of the REST API as problem details (RFC 9457)."""

import json
from typing import Any

from django.db.models import Model
from django.http import Http404, HttpResponse
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from agents.errors import (
    AgentError,
    AlreadyDecided,
    BadLimits,
    LastWayIn,
    NameTaken,
    OwnCause,
    TooLateForClient,
    TooLateToUndo,
)
from agents.errors import NotActive as AgentNotActive
from api import problem_kinds as kinds
from api.authentication import challenge
from api.errors import Refusal
from api.keepers import speaks_for
from api.permissions import HoldsScope, scope_for
from audit import ledger
from delegations.errors import (
    AsItWas,
    AskedToday,
    DelegationOver,
    DelegationWidened,
    IssuerRemoved,
    NothingLeft,
    NotRenewable,
)
from delegations.errors import TooLateToUndo as TooLateForDelegation
from kit import context
from notices.errors import JobError, NumberMoved, WebhookError
from tenants.errors import (
    BadSetting,
    Fixed,
    IdentifierTaken,
    LastAdmin,
    NotActive,
    NotYours,
    ResourceTaken,
    Stale,
    TenantError,
)
from tenants.roles import holders
from tokens.errors import InstallationOver, KeyIsOver, NotKnownYet
from trust.errors import IssuerKnown, TooLateToRestore, TrustError

TITLES = {
    400: kinds.UNREADABLE,
    401: kinds.TOKEN_NEEDED,
    403: kinds.SCOPE_LACKING,
    404: "There is no such thing here",
    405: "This address does not answer this method",
    406: "This content type is not written here",
    409: kinds.OVER,
    412: kinds.CHANGED,
    413: "The request is too large",
    415: "This content type is not read here",
    422: kinds.CANNOT_HOLD,
    429: kinds.TOO_MANY,
    500: "Something went wrong here",
    503: "Not available for a moment",
}
CONTENT_TYPE = "application/problem+json"
_KEPT = frozenset({"WWW-Authenticate", "Allow", "Retry-After"})


def handle(error: Exception, info: dict[str, Any]) -> Response | None:
    """Return a problem for every expected refusal; anything else is left to the door."""
    if isinstance(error, Refusal):
        return _problem(error.status, dict(error.headers), title=error.title, detail=str(error))
    if (refused := _of_the_domain(error)) is not None:
        return refused
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    response = exception_handler(error, info)
    if response is None:
        return None
    headers = {name: value for name, value in response.headers.items() if name in _KEPT}
    if response.status_code == status.HTTP_403_FORBIDDEN and (roles := _lacking(info)):
        return _problem(response.status_code, headers, title=kinds.ROLE_LACKING, roles=roles)
    if response.status_code == status.HTTP_403_FORBIDDEN:
        needed = scope_for(info["view"], info["request"].method)
        headers["WWW-Authenticate"] = challenge(info["request"].tenant, scope=needed, error="insufficient_scope")
    further = {"errors": error.detail} if isinstance(error, exceptions.ValidationError) else {}
    return _problem(response.status_code, headers, **further)


def _lacking(info: dict[str, Any]) -> list[str]:
    """Return the roles that let one do what a person's does not, or none where it is not for lack of a role."""
    view, request = info["view"], info["request"]
    act = getattr(view, "acts", {}).get("GET" if request.method == "HEAD" else request.method)
    if act is None or not HoldsScope().has_permission(request, view) or speaks_for(request) is None:
        return []
    return [role.value for role in holders(act)]


def answer(code: int) -> HttpResponse:
    """Return the problem of a request that reached no view, or fell out of one."""
    return HttpResponse(json.dumps(_content(code)), status=code, content_type=CONTENT_TYPE)


def _of_the_domain(error: Exception) -> Response | None:
    if isinstance(error, NotKnownYet):
        ready = {"ready_at": error.ready_at.isoformat()} if error.ready_at else {}
        return _problem(status.HTTP_409_CONFLICT, {}, title=kinds.NOT_KNOWN, **ready)
    if (conflict := _conflict(error)) is not None:
        return _problem(status.HTTP_409_CONFLICT, {}, **conflict)
    if isinstance(error, Stale):
        row: Model = error.args[0]
        return _problem(status.HTTP_412_PRECONDITION_FAILED, {}, **_latest(row._meta.model_name or "", str(row.pk)))
    if isinstance(error, NotYours):
        return _problem(status.HTTP_403_FORBIDDEN, {}, title=kinds.ROLE_LACKING, detail=str(error))
    if isinstance(error, OwnCause):
        return _problem(status.HTTP_403_FORBIDDEN, {}, title=kinds.OWN_CAUSE, detail=str(error))
    if isinstance(error, BadLimits):
        named = {name: [flaw] for name, flaw in error.errors.items()}
        return _problem(status.HTTP_422_UNPROCESSABLE_ENTITY, {}, errors=named)
    if isinstance(error, BadSetting):
        code = status.HTTP_409_CONFLICT if isinstance(error, Fixed) else status.HTTP_422_UNPROCESSABLE_ENTITY
        return _problem(code, {}, detail=str(error), errors={error.setting: [error.words]})
    if isinstance(error, TrustError | AgentError | TenantError | NothingLeft | AsItWas):
        return _problem(status.HTTP_422_UNPROCESSABLE_ENTITY, {}, detail=str(error))
    return None


def _conflict(error: Exception) -> dict[str, Any] | None:
    """Return what is said beside 409, or None where it is something else."""
    match error:
        case DelegationOver() | InstallationOver() | NotActive() | AgentNotActive() | KeyIsOver():
            return {}
        case DelegationWidened():
            return {"title": kinds.ONLY_SMALLER, "detail": str(error)}
        case AlreadyDecided() | TooLateToUndo():
            return {"title": kinds.DECIDED, **_latest("approval", str(error))}
        case TooLateForDelegation() | TooLateForClient():
            kind = "client" if isinstance(error, TooLateForClient) else "delegation"
            return {"title": kinds.TOO_LATE, **_latest(kind, str(error))}
        case LastWayIn():
            return {"title": kinds.LAST_WAY}
        case IssuerKnown() | IdentifierTaken() | NameTaken():
            named = {"detail": str(error), "taken_by": error.taken_by} if isinstance(error, ResourceTaken) else {}
            return {"title": kinds.THERE_ALREADY, **named}
        case LastAdmin():
            return {"title": kinds.LAST_ADMIN, "detail": str(error)}
        case NumberMoved():
            return {"title": kinds.NUMBER_MOVED, "matches": error.number}
        case TooLateToRestore() | AskedToday() | NotRenewable() | IssuerRemoved() | JobError() | WebhookError():
            return {"detail": type(error).__doc__ or ""}
    return None


def _latest(kind: str, pk: str) -> dict[str, str]:
    """Return who was first, and when, as far as the ledger tells."""
    entry = ledger.latest_about(kind, pk)
    if entry is None:
        return {}
    return {
        "detail": f"{entry.principal_label or entry.principal_id} was first, at {entry.at:%Y-%m-%d %H:%M:%S} UTC.",
        "changed_by": entry.principal_id,
        "changed_at": entry.at.isoformat(),
    }


def _problem(code: int, headers: dict[str, str], **further: Any) -> Response:
    return Response(_content(code, **further), status=code, headers=headers, content_type=CONTENT_TYPE)


def _content(code: int, **further: Any) -> dict[str, Any]:
    content = {"title": TITLES.get(code, "Refused"), "status": code, **further}
    return {"type": kinds.type_of(content["title"]), **content, "instance": f"urn:remit:request:{context.request_id()}"}
