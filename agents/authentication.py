"""Room 2: who is this client? (RFC 6749 §2.3, OAuth 2.1 §2.4)

One function per method. A request may use one method only, and it must be one that the client registered: a client
with a secret may send it in either place. An unknown client takes the same path as a wrong secret: as many comparisons,
as many look-ups.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote_plus

from agents import directory
from agents.models import Client
from kit import opaque
from kit.forms import Form
from kit.oauth import AuthMethod, InvalidClient, InvalidRequest

MAX_BASIC = 4096
MAX_SECRET = 256


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request says of its client: how, who, and the unverified secret."""

    method: AuthMethod
    client_id: str
    unverified_secret: str = ""


def authenticate(authorization: str, form: Form) -> Client:
    """Return the authenticated client of the current tenant; raises InvalidClient or InvalidRequest.

    What it returns may be a few seconds old: for rooms whose statement checks its version (`tokens.mint`).
    """
    presented = _read(authorization, form)
    client = directory.client(presented.client_id)
    if not _proves(client, presented):
        # The cache may not know of a new secret. That a client is unknown it never keeps: no need to ask twice.
        client = directory.client_now(presented.client_id) if client is not None else None
        return _settle(client, presented)
    return _active(client, presented)


def authenticate_now(authorization: str, form: Form) -> Client:
    """Do the same against the database: for rooms where no later statement checks the client's version."""
    presented = _read(authorization, form)
    return _settle(directory.client_now(presented.client_id), presented)


def _settle(client: Client | None, presented: Presented) -> Client:
    if not _proves(client, presented):
        raise InvalidClient(f"{presented.method} of {presented.client_id[:80]!r}")
    return _active(client, presented)


def _proves(client: Client | None, presented: Presented) -> bool:
    return _METHODS[presented.method](client, presented)


def _active(client: Client | None, presented: Presented) -> Client:
    if client is None or client.status != Client.Status.ACTIVE:
        raise InvalidClient(f"{presented.client_id[:80]!r} is not active")
    return client


def _read(authorization: str, form: Form) -> Presented:
    body_id = form.get("client_id", ("",))[0]
    body_secret = form.get("client_secret", ("",))[0]
    asserts = "client_assertion" in form or "client_assertion_type" in form
    if sum(map(bool, (authorization, body_secret, asserts))) > 1:
        raise InvalidRequest("two client authentication methods")
    if asserts:
        raise InvalidClient("client assertions are not accepted here")
    if not authorization:
        if not body_id:
            raise InvalidClient("no client is named")
        method = AuthMethod.SECRET_POST if body_secret else AuthMethod.NONE
        return Presented(method, body_id, body_secret)
    client_id, secret = _read_basic(authorization)
    if body_id and body_id != client_id:
        raise InvalidRequest("two client ids")
    return Presented(AuthMethod.SECRET_BASIC, client_id, secret)


def _read_basic(authorization: str) -> tuple[str, str]:
    """Return client id and secret: form-encoded before the base64 (RFC 6749 §2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic" or len(encoded) > MAX_BASIC:
        raise InvalidClient("authorization scheme")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
        raw_id, colon, raw_secret = decoded.partition(":")
        client_id, secret = unquote_plus(raw_id, errors="strict"), unquote_plus(raw_secret, errors="strict")
    except ValueError as error:  # Not ASCII, not base64, not UTF-8.
        raise InvalidClient("malformed Basic credentials") from error
    if not colon or not client_id or "\x00" in client_id + secret:
        raise InvalidClient("malformed Basic credentials")
    return client_id, secret


def _none(client: Client | None, presented: Presented) -> bool:
    return client is not None and client.auth_method == AuthMethod.NONE


def _secret(client: Client | None, presented: Presented) -> bool:
    holds_secret = client is not None and client.auth_method in {AuthMethod.SECRET_BASIC, AuthMethod.SECRET_POST}
    stored = client.client_secret if client is not None and holds_secret else None
    # Too long is wrong, not cut off: cutting would let anything stand behind a secret of the full length.
    bounded = presented.unverified_secret if len(presented.unverified_secret) <= MAX_SECRET else ""
    return opaque.matches(bounded, stored)


_METHODS: dict[AuthMethod, Callable[[Client | None, Presented], bool]] = {
    AuthMethod.NONE: _none,
    AuthMethod.SECRET_BASIC: _secret,
    AuthMethod.SECRET_POST: _secret,
}
