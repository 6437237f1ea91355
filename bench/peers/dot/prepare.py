"""Requests for stock django-oauth-toolkit, made with its own models."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.utils import timezone
from oauth2_provider.models import (
    get_access_token_model,
    get_application_model,
    get_grant_model,
    get_refresh_token_model,
)

from bench.inputs import Inputs

CALENDAR = "https://calendar.example/mcp"
REDIRECT = "https://agent.example/callback"
SCOPE = "events:read"
SECRET = "a-secret-of-a-run-0123456789-abcdefghijklmnopqrs"
FORM = "Content-Type: application/x-www-form-urlencoded"
User: Any = get_user_model()
Application, AccessToken = get_application_model(), get_access_token_model()
Grant, RefreshToken = get_grant_model(), get_refresh_token_model()


def set_up() -> None:
    """Make a person and two clients."""
    alice = User.objects.create(username="alice")
    kinds = {"worker": Application.GRANT_CLIENT_CREDENTIALS, "scout": Application.GRANT_AUTHORIZATION_CODE}
    for name, kind in kinds.items():
        Application.objects.create(
            client_id=name, client_secret=SECRET, client_type=Application.CLIENT_CONFIDENTIAL, user=alice,
            authorization_grant_type=kind, redirect_uris=REDIRECT, name=name,
        )  # fmt: skip


def prepare(operation: str, count: int) -> Inputs:
    """Return `count` requests, or one that may be repeated, for an operation of bench.operations."""
    method, path, client, bodies = _OPERATIONS[operation](count)
    basic = base64.b64encode(f"{client}:{SECRET}".encode()).decode()
    head = (f"{method} /o{path}", *([f"Authorization: Basic {basic}", FORM] if client else []))
    return Inputs(head, bodies)


Made = tuple[str, str, str, list[str]]
"""Method, path below /o, the client that sends its secret or "", and bodies."""


def _secret(count: int) -> Made:
    form = {"grant_type": "client_credentials", "resource": CALENDAR, "scope": SCOPE}
    return "POST", "/token/", "worker", [urlencode(form)]


def _code(count: int) -> Made:
    return "POST", "/token/", "scout", [urlencode(form) for form in _codes(count)]


def _refresh(count: int) -> Made:
    forms = [{"grant_type": "refresh_token", "refresh_token": token, "resource": CALENDAR} for token in _tokens(count)]
    return "POST", "/token/", "scout", [urlencode(form) for form in forms]


def _introspection(count: int) -> Made:
    list(_tokens(1))
    token = AccessToken.objects.latest("id").token
    return "POST", "/introspect/", "worker", [urlencode({"token": token, "token_type_hint": "access_token"})]


def _jwks(count: int) -> Made:
    return "GET", "/.well-known/jwks.json", "", [""]


def _discovery(count: int) -> Made:
    return "GET", "/.well-known/openid-configuration", "", [""]


_OPERATIONS: dict[str, Callable[[int], Made]] = {
    "secret": _secret,
    "stored": _secret,
    "code": _code,
    "refresh": _refresh,
    "introspection": _introspection,
    "jwks": _jwks,
    "discovery": _discovery,
}


def _codes(count: int) -> Iterator[dict[str, str]]:
    """Yield forms that redeem codes."""
    alice, scout = User.objects.get(), Application.objects.get(client_id="scout")
    for _ in range(count):
        code, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        Grant.objects.create(
            user=alice, application=scout, code=code, expires=timezone.now() + timedelta(minutes=10), scope=SCOPE,
            redirect_uri=REDIRECT, code_challenge=challenge, code_challenge_method="S256", resource=[CALENDAR],
        )  # fmt: skip
        yield {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": verifier,
            "resource": CALENDAR,
        }


def _tokens(count: int) -> Iterator[str]:
    """Yield refresh tokens, each with the access token that it came with."""
    alice, scout = User.objects.get(), Application.objects.get(client_id="scout")
    for _ in range(count):
        access = AccessToken.objects.create(
            user=alice, application=scout, token=secrets.token_urlsafe(32), scope=SCOPE, resource=[CALENDAR],
            expires=timezone.now() + timedelta(minutes=5),
        )  # fmt: skip
        token = secrets.token_urlsafe(32)
        RefreshToken.objects.create(
            user=alice, application=scout, token=token, access_token=access, resource=[CALENDAR]
        )
        yield token
