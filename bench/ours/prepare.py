"""Requests for our server, made by the product's own functions: every code and refresh token is a real one, unused."""

import base64
import hashlib
import json
import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from urllib.parse import quote_plus, urlencode

from django.utils import timezone
from jwcrypto import jwk, jws

from agents import directory as agents_directory
from agents.models import Client
from bench.inputs import Inputs
from bench.ours.world import CALENDAR, ELSEWHERE, HELPERS, PERSON, REDIRECT, SLUG, THEIR_API, recall
from delegations.models import Delegation
from kit import context
from kit.oauth import GrantType, TokenType
from tenants import directory
from tenants.models import Membership, Tenant
from tokens import actions, asking, issuer
from tokens.grants import authorization_code, token_exchange
from tokens.rules import narrow
from tokens.values import TokenRequest, TokenSet

FORM = "Content-Type: application/x-www-form-urlencoded"
SCOPE = "events:read"


def prepare(operation: str, count: int) -> Inputs:
    """Return `count` requests, or one that may be repeated, for an operation of bench.operations."""
    tenant = directory.tenant_by_slug(SLUG)
    assert tenant is not None
    with context.use(tenant):
        method, path, client, bodies = _OPERATIONS[operation](tenant, count)
        head = [f"{method} /t/{SLUG}{path}", f"Host: {tenant.issuer.split('/')[2]}"]
        return Inputs((*head, *([_basic(client)] if client else []), *([FORM] if method == "POST" else [])), bodies)


Made = tuple[str, str, str, list[str]]
"""Method, path below the issuer, the client that sends its secret or "", and bodies."""


def _secret(tenant: Tenant, count: int) -> Made:
    return "POST", "/token", "worker", [_own()]


def _assertion(tenant: Tenant, count: int) -> Made:
    return "POST", "/token", "", [_own(**proof) for proof in _proofs(tenant, count)]


def _code(tenant: Tenant, count: int) -> Made:
    return "POST", "/token", "scout", [urlencode(form) for form in _codes(tenant, count)]


def _refresh(tenant: Tenant, count: int) -> Made:
    forms = [
        {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token, "resource": CALENDAR}
        for tokens in _token_sets(tenant, count)
    ]
    return "POST", "/token", "scout", [urlencode(form) for form in forms]


def _introspection(tenant: Tenant, count: int) -> Made:
    [tokens] = _token_sets(tenant, 1)
    form = {"token": tokens.access_token, "token_type_hint": "access_token"}
    return "POST", "/introspect", "reader", [urlencode(form)]


def _exchange(tenant: Tenant, count: int) -> Made:
    return "POST", "/token", HELPERS[0], [urlencode(_exchanged_for(_handed_down(tenant, 0)))]


def _exchange_deep(tenant: Tenant, count: int) -> Made:
    return "POST", "/token", HELPERS[3], [urlencode(_exchanged_for(_handed_down(tenant, 3)))]


def _introspection_deep(tenant: Tenant, count: int) -> Made:
    return "POST", "/introspect", "reader", [urlencode({"token": _handed_down(tenant, 4)})]


def _grant(tenant: Tenant, count: int) -> Made:
    """Ask again and again for the one person, by the refresh token of one sign-in."""
    [tokens] = _token_sets(tenant, 1)
    form = {
        "grant_type": GrantType.TOKEN_EXCHANGE.value,
        "requested_token_type": TokenType.ID_JAG.value,
        "audience": ELSEWHERE,
        "resource": THEIR_API,
        "subject_token": tokens.refresh_token,
        "subject_token_type": TokenType.REFRESH_TOKEN.value,
    }
    return "POST", "/token", "scout", [urlencode(form)]


def _redemption(tenant: Tenant, count: int) -> Made:
    forms = [{"grant_type": GrantType.JWT_BEARER.value, "assertion": each} for each in _assertions(tenant, count)]
    return "POST", "/token", "presenter", [urlencode(form) for form in forms]


def _jwks(tenant: Tenant, count: int) -> Made:
    return "GET", "/jwks.json", "", [""]


def _discovery(tenant: Tenant, count: int) -> Made:
    return "GET", "/.well-known/openid-configuration", "", [""]


_OPERATIONS: dict[str, Callable[[Tenant, int], Made]] = {
    "secret": _secret,
    "stored": _secret,
    "assertion": _assertion,
    "code": _code,
    "refresh": _refresh,
    "introspection": _introspection,
    "exchange": _exchange,
    "exchange4": _exchange_deep,
    "introspection4": _introspection_deep,
    "grant": _grant,
    "redemption": _redemption,
    "jwks": _jwks,
    "discovery": _discovery,
}


def _own(**proof: str) -> str:
    return urlencode({"grant_type": "client_credentials", "resource": CALENDAR, "scope": SCOPE, **proof})


def _basic(name: str) -> str:
    client_id, secret = recall()[name]
    return f"Authorization: Basic {base64.b64encode(f'{quote_plus(client_id)}:{secret}'.encode()).decode()}"


def _proofs(tenant: Tenant, count: int) -> Iterator[dict[str, str]]:
    client_id, exported = recall()["keyholder"]
    key, now = jwk.JWK.from_json(exported), int(time.time())
    header = json.dumps({"alg": "ES256", "typ": "JWT", "kid": "client"})
    for _ in range(count):
        claims = {"iss": client_id, "sub": client_id, "aud": tenant.issuer, "iat": now, "exp": now + 240}
        signed = jws.JWS(json.dumps({**claims, "jti": str(uuid.uuid4())}))
        signed.add_signature(key, "ES256", header)
        yield {
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": signed.serialize(compact=True),
        }


def _assertions(tenant: Tenant, count: int) -> Iterator[str]:
    """Yield grants of the other domain about the one person."""
    issuer, exported = recall()["issuer"]
    key, now = jwk.JWK.from_json(exported), int(time.time())
    header = json.dumps({"alg": "RS256", "typ": "oauth-id-jag+jwt", "kid": "issuer"})
    for _ in range(count):
        claims = {
            "iss": issuer, "sub": PERSON, "aud": tenant.issuer, "client_id": recall()["presenter"].client_id,
            "iat": now, "exp": now + 300, "jti": str(uuid.uuid4()), "resource": CALENDAR, "scope": SCOPE,
        }  # fmt: skip
        signed = jws.JWS(json.dumps(claims))
        signed.add_signature(key, "RS256", header)
        yield str(signed.serialize(compact=True))


def _scout() -> Client:
    client = agents_directory.client(recall()["scout"].client_id)
    assert client is not None
    return client


def _codes(tenant: Tenant, count: int) -> Iterator[dict[str, str]]:
    """Yield forms that redeem codes; each code is what the product gives for a request that is remembered."""
    client, member = _scout(), Membership.objects.get(user__email=PERSON)
    delegations = list(Delegation.objects.filter(client=client, subject=member.pk))
    for _ in range(count):
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        form = {"scope": (SCOPE,), "resource": (CALENDAR,), "code_challenge": (challenge,)}
        asked = asking.understand(tenant, client, REDIRECT, form)
        yield {
            "grant_type": "authorization_code",
            "code": actions.allow_remembered(asked, member, delegations, signed_in_at=timezone.now()),
            "redirect_uri": REDIRECT,
            "code_verifier": verifier,
            "resource": CALENDAR,
        }


def _exchanged_for(token: str) -> dict[str, str]:
    kind = TokenType.ACCESS_TOKEN.value
    return {"grant_type": GrantType.TOKEN_EXCHANGE.value, "subject_token": token, "subject_token_type": kind}


def _handed_down(tenant: Tenant, hops: int) -> str:
    """Return a token that was handed on as often, from the scout downwards."""
    [tokens] = _token_sets(tenant, 1)
    token = tokens.access_token
    for name in HELPERS[:hops]:
        client = agents_directory.client(recall()[name].client_id)
        assert client is not None
        asked = TokenRequest({field: (value,) for field, value in _exchanged_for(token).items()}, timezone.now())
        token = issuer.issue(narrow(token_exchange.prove(tenant, client, asked), asked)).access_token
    return token


def _token_sets(tenant: Tenant, count: int) -> Iterator[TokenSet]:
    """Yield what codes are redeemed for."""
    client = _scout()
    for form in _codes(tenant, count):
        asked = TokenRequest({name: (value,) for name, value in form.items()}, timezone.now())
        yield issuer.issue(narrow(authorization_code.prove(tenant, client, asked), asked))
