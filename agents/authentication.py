"""Room 2: who is this client? (RFC 6749 §2.3, OAuth 2.1 §2.4)

One function per method. A request may use one method only, and it must be one that the client registered: a client
with a secret may send it in either place. An unknown client takes the same path as a wrong secret: as many comparisons,
as many look-ups.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import unquote_plus

import structlog
from django.utils import timezone

from agents import assertions, directory, federated
from agents.assertions import Evidence
from agents.models import Client
from agents.registration import document
from kit import context, opaque
from kit.fetch import Unfetchable
from kit.forms import Form
from kit.oauth import AuthMethod, InvalidClient, InvalidRequest, OAuthError

_log = structlog.get_logger("remit.authentication")

MAX_BASIC = 4096
MAX_SECRET = 256


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request says of its client: how, who, and the unverified secret."""

    method: AuthMethod
    client_id: str
    unverified_secret: str = ""
    unverified_assertion: str = ""
    evidence: Evidence = field(default_factory=Evidence)


def authenticate(authorization: str, form: Form, *, evidence: Evidence | None = None) -> Client:
    """Return the authenticated client of the current tenant; raises InvalidClient or InvalidRequest.

    What it returns may be a few seconds old: for rooms whose statement checks its version (`tokens.mint`). A room that
    runs twice for one request passes the same evidence: an assertion that this very request spent is still its own.
    """
    presented = replace(_read(authorization, form), evidence=evidence or Evidence())
    client = _find(presented.client_id)
    if not _proves(client, presented):
        # The cache may not know of a new secret. That a client is unknown it never keeps: no need to ask twice.
        client = directory.client_now(presented.client_id) if client is not None else None
        return _settle(client, presented)
    return _active(client, presented)


def proves_nobody(authorization: str, form: Form) -> bool:
    """Say whether a request proves nothing of a client; a bare id proves nothing."""
    return not authorization and not {"client_secret", "client_assertion"} & form.keys()


def authenticate_now(authorization: str, form: Form) -> Client:
    """Do the same against the database: for rooms where no later statement checks the client's version."""
    presented = _read(authorization, form)
    return _settle(directory.client_now(presented.client_id), presented)


def _find(client_id: str) -> Client | None:
    """Return the client behind an id; where its metadata document cannot be had it is as good as unknown."""
    try:
        return document.client(client_id)
    except (Unfetchable, OAuthError) as error:
        _log.info("no document", client=client_id[:200], reason=str(error))
        return None


def _settle(client: Client | None, presented: Presented) -> Client:
    if not _proves(client, presented):
        raise InvalidClient(f"{presented.method} of {presented.client_id[:80]!r}")
    return _active(client, presented)


def _proves(client: Client | None, presented: Presented) -> bool:
    return _METHODS[presented.method](client, presented)


def _active(client: Client | None, presented: Presented) -> Client:
    if client is None or client.status != Client.Status.ACTIVE:
        raise InvalidClient(f"{presented.client_id[:80]!r} is not active")
    context.proved(_PROOFS[presented.method])
    return client


def _read(authorization: str, form: Form) -> Presented:
    body_id = form.get("client_id", ("",))[0]
    body_secret = form.get("client_secret", ("",))[0]
    assertion = form.get("client_assertion", ("",))[0]
    asserts = bool(assertion) or "client_assertion_type" in form
    if sum(map(bool, (authorization, body_secret, asserts))) > 1:
        raise InvalidRequest("two client authentication methods")
    if asserts:
        return _read_assertion(form.get("client_assertion_type", ("",))[0], assertion, body_id)
    if not authorization:
        if not body_id:
            raise InvalidClient("no client is named")
        method = AuthMethod.SECRET_POST if body_secret else AuthMethod.NONE
        return Presented(method, body_id, body_secret)
    client_id, secret = _read_basic(authorization)
    if body_id and body_id != client_id:
        raise InvalidRequest("two client ids")
    return Presented(AuthMethod.SECRET_BASIC, client_id, secret)


def _read_assertion(kind: str, assertion: str, body_id: str) -> Presented:
    """Return what an assertion claims (RFC 7521 §4.2); `client_id` may be absent, and must agree where it is not.

    A platform's token says nothing of clients: with it `client_id` is needed.
    """
    if kind != assertions.TYPE:
        raise InvalidClient("client_assertion_type")
    if body_id and assertions.is_of_another_issuer(assertion):
        return Presented(AuthMethod.FEDERATED, body_id, unverified_assertion=assertion)
    client_id = assertions.claimed_client_id(assertion)
    if body_id and body_id != client_id:
        raise InvalidClient("the assertion is of another client")
    return Presented(AuthMethod.PRIVATE_KEY_JWT, client_id, unverified_assertion=assertion)


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
    stored = client.secret_digests if client is not None and holds_secret else {"": None}
    # Too long is wrong, not cut off: cutting would let anything stand behind a secret of the full length.
    bounded = presented.unverified_secret if len(presented.unverified_secret) <= MAX_SECRET else ""
    # Each is compared, whichever fits.
    fitting = [name for name, each in stored.items() if opaque.matches(bounded, each)]
    presented.evidence.credential = fitting[0] if fitting else ""
    return bool(fitting)


def _private_key(client: Client | None, presented: Presented) -> bool:
    if client is None or client.auth_method != AuthMethod.PRIVATE_KEY_JWT:
        return False
    try:
        assertions.check(client, presented.unverified_assertion, evidence=presented.evidence, now=timezone.now())
    except InvalidClient as refusal:
        _log.info("refused assertion", client=client.client_id, reason=refusal.reason)
        return False
    return True


def _federated(client: Client | None, presented: Presented) -> bool:
    if client is None or client.auth_method != AuthMethod.FEDERATED:
        return False
    try:
        found = federated.check(client, presented.unverified_assertion, now=timezone.now())
    except InvalidClient as refusal:
        _log.info("refused platform token", client=client.client_id, reason=refusal.reason)
        return False
    presented.evidence.credential = found.pk
    return True


_METHODS: dict[AuthMethod, Callable[[Client | None, Presented], bool]] = {
    AuthMethod.NONE: _none,
    AuthMethod.SECRET_BASIC: _secret,
    AuthMethod.SECRET_POST: _secret,
    AuthMethod.PRIVATE_KEY_JWT: _private_key,
    AuthMethod.FEDERATED: _federated,
}
_PROOFS = {method: context.Proof(method.value) for method in AuthMethod}
