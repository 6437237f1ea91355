"""Refusals of the REST API as problem details (RFC 9457)."""

from typing import Any

from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from api.authentication import challenge
from delegations.errors import DelegationOver
from kit import context

_TITLES = {
    400: "The request cannot be read",
    401: "A token for this API is needed",
    403: "The token lacks a scope",
    404: "There is no such thing here",
    405: "This address does not answer this method",
    409: "It is over already",
    415: "This content type is not read here",
    429: "Too many requests",
}
_KEPT = frozenset({"WWW-Authenticate", "Allow", "Retry-After"})


def handle(error: Exception, info: dict[str, Any]) -> Response | None:
    """Return a problem for every expected refusal; anything else is left to the door."""
    if isinstance(error, DelegationOver):
        return _problem(status.HTTP_409_CONFLICT, {})
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    response = exception_handler(error, info)
    if response is None:
        return None
    headers = {name: value for name, value in response.headers.items() if name in _KEPT}
    if response.status_code == status.HTTP_403_FORBIDDEN:
        needed = getattr(info["view"], "scopes", {}).get(info["request"].method, "")
        headers["WWW-Authenticate"] = challenge(info["request"].tenant, scope=needed, error="insufficient_scope")
    return _problem(response.status_code, headers)


def _problem(code: int, headers: dict[str, str]) -> Response:
    content = {"type": "about:blank", "title": _TITLES.get(code, "Refused"), "status": code}
    body = {**content, "instance": f"urn:remit:request:{context.request_id()}"}
    return Response(body, status=code, headers=headers, content_type="application/problem+json")
