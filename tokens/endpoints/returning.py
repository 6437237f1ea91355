"""Going back to the client: with a code or an error, always with `iss` (RFC 9207 §2), by 303 (RFC 9700 §4.12)."""

from collections.abc import Mapping
from urllib.parse import urlencode

import structlog
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render

from agents.models import Client
from audit.events import Event
from audit.ledger import record
from audit.principals import Kind, Principal
from kit import uris
from kit.forms import Form
from kit.oauth import OAuthError
from tokens.asking import Asked
from tokens.checking.refusals import explain, place
from tokens.endpoints import code_page
from tokens.endpoints.request import TenantRequest

_log = structlog.get_logger("remit.authorize")


def with_code(request: TenantRequest, asked: Asked, code: str) -> HttpResponse:
    """Return the person to the client with a code."""
    return _go(request, asked.redirect_uri, {"code": code, "state": asked.state})


def with_error(
    request: TenantRequest, client: Client, redirect_uri: str, form: Form, refusal: OAuthError
) -> HttpResponse:
    """Return the person to the client with an error (RFC 6749 §4.1.2.1), and write down why."""
    _log.info("refused", error=refusal.code, reason=refusal.reason, client=client.client_id)
    steps = explain(refusal, room="request", client_id=client.client_id, form=form)
    with transaction.atomic():
        record(
            Event.AUTHORIZATION_REFUSED,
            by=Principal(Kind.CLIENT, client.client_id, client.name),
            about=client,
            on_behalf_of=request.member.pk if request.member else "",
            through=client.agent_id or "",
            reason=refusal.reason,
            detail={"error": refusal.code, "steps": [step.as_json() for step in steps], **place(form)},
        )
    uri = code_page.uri(request.tenant, refusal)
    answer = {"error": refusal.code, "error_description": refusal.description, "error_uri": uri}
    return _go(request, redirect_uri, {**answer, "state": form.get("state", ("",))[0]})


def _go(request: TenantRequest, redirect_uri: str, answer: Mapping[str, str]) -> HttpResponse:
    members = {name: value for name, value in answer.items() if value}
    # Appended, not parsed and put together again: what was registered goes out byte for byte, and has no fragment.
    joint = "&" if "?" in redirect_uri else "?"
    target = f"{redirect_uri}{joint}{urlencode({**members, 'iss': request.tenant.issuer})}"
    if uris.is_app_scheme(redirect_uri):
        # A redirect to an app leaves a dead tab behind: this page says what happened.
        response = render(request, "oauth/return.html", {"return_url": target})
    else:
        response = HttpResponse(status=303, headers={"Location": target})
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
