"""Room 2: who is this client? (RFC 6749 §2.3, OAuth 2.1 §2.4)

One function per method. A request may use one method only, and it must be one that the client registered: a client
with a secret may send it in either place. An unknown client takes the same path as a wrong secret.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote_plus

from agents import directory
from agents.models import Client
from kit import opaque
from kit.forms import Form
from kit.oauth import AuthMethod, InvalidClient, InvalidRequest

MAX_SECRET = 256


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request says of its client: how, who, and the unverified secret."""

    method: AuthMethod
    client_id: str
    unverified_secret: str = ""


def authenticate(authorization: str, form: Form) -> Client:
    """Return the authenticated client of the current tenant; raises InvalidClient or InvalidRequest."""
    presented = _read(authorization, form)
    check = _METHODS[presented.method]
    client = directory.client(presented.client_id)
    if not check(client, presented):
        # The cache may not know of a new secret, or of a client registered a moment ago.
        directory.forget(presented.client_id)
        client = directory.client(presented.client_id)
        if not check(client, presented):
            raise InvalidClient(f"{presented.method} of {presented.client_id[:80]!r}")
    if client is None or client.status != Client.Status.ACTIVE:
        raise InvalidClient(f"{presented.client_id[:80]!r} is not active")
    return client


def _read(authorization: str, form: Form) -> Presented:
    body_id = form.get("client_id", ("",))[0]
    body_secret = form.get("client_secret", ("",))[0]
    if "client_assertion" in form or "client_assertion_type" in form:
        raise InvalidClient("client assertions are not accepted here")
    if not authorization:
        if not body_id:
            raise InvalidClient("no client is named")
        method = AuthMethod.SECRET_POST if body_secret else AuthMethod.NONE
        return Presented(method, body_id, body_secret)
    if body_secret:
        raise InvalidRequest("two client authentication methods")
    client_id, secret = _read_basic(authorization)
    if body_id and body_id != client_id:
        raise InvalidRequest("two client ids")
    return Presented(AuthMethod.SECRET_BASIC, client_id, secret)


def _read_basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic" or len(encoded) > 4096:
        raise InvalidClient("authorization scheme")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidClient("malformed Basic credentials") from error
    client_id, colon, secret = decoded.partition(":")
    if not colon or not client_id or "\x00" in decoded:
        raise InvalidClient("malformed Basic credentials")
    return unquote_plus(client_id), unquote_plus(secret)


def _none(client: Client | None, presented: Presented) -> bool:
    return client is not None and client.auth_method == AuthMethod.NONE


def _secret(client: Client | None, presented: Presented) -> bool:
    holds_secret = client is not None and client.auth_method in {AuthMethod.SECRET_BASIC, AuthMethod.SECRET_POST}
    stored = client.client_secret if client is not None and holds_secret else None
    return opaque.matches(presented.unverified_secret[:MAX_SECRET], stored)


_METHODS: dict[AuthMethod, Callable[[Client | None, Presented], bool]] = {
    AuthMethod.NONE: _none,
    AuthMethod.SECRET_BASIC: _secret,
    AuthMethod.SECRET_POST: _secret,
}
