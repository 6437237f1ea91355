"""No form field reaches the inside of the server by having the name of something that lives there."""

import ast
import dataclasses
import inspect

import pytest
from django.apps import apps
from oauth2_provider import oauth2_validators
from oauth2_provider.models import (
    AbstractAccessToken,
    AbstractApplication,
    AbstractGrant,
    AbstractIDToken,
    AbstractRefreshToken,
)
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749 import request_validator

from agents import authentication
from kit import oauth
from tests.harness import inside
from tests.harness.footprint import rows
from tests.harness.wire import verified
from tests.harness.world import REDIRECT
from tests.spec import spec
from tokens import bearer, families, values
from tokens.endpoints import door
from tokens.grants import REGISTRY

PROTOCOL_WORDS = {
    "grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret", "refresh_token", "scope",
    "resource", "token", "client_assertion", "client_assertion_type",
}  # fmt: skip
"""What the rooms do read from a form; every other name means nothing."""
OURS = ("audit", "tenants", "agents", "delegations", "tokens")
TOOLKIT_MODELS = (AbstractApplication, AbstractGrant, AbstractAccessToken, AbstractRefreshToken, AbstractIDToken)
VOLATILE = {"iat", "exp", "jti"}


def attributes_of_oauthlib_s_request() -> set[str]:
    return set(vars(Request("https://id.example"))) | set(Request("https://id.example")._params)


def names_that_code_sets_on_a_request() -> set[str]:
    """Return every `request.x = …` of the libraries that we stand on."""
    found = set()
    for module in (oauth2_validators, request_validator):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "request":
                found.add(node.attr)
    return found


def internal_names() -> list[str]:
    """Return the names of everything inside: the library's request, our values, our columns, our claims."""
    classes = [
        kind
        for module in (values, bearer, families, door, authentication)
        for kind in vars(module).values()
        if dataclasses.is_dataclass(kind)
    ]
    fields = {field.name for kind in classes for field in dataclasses.fields(kind)}
    models = [model for model in apps.get_models() if model._meta.app_label in OURS]
    columns = {
        name for model in models for field in model._meta.concrete_fields for name in (field.name, field.attname)
    }
    columns |= {field.name for model in TOOLKIT_MODELS for field in model._meta.local_fields}
    claims = {"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "act", "may_act", "cnf", "azp", "typ", "kid", "alg"}
    library = attributes_of_oauthlib_s_request() | names_that_code_sets_on_a_request()
    return sorted((fields | columns | claims | library) - PROTOCOL_WORDS)


NAMES = internal_names()
BATCH = 80
"""The door reads a hundred parameters at most."""


def batches(value: str) -> list[dict[str, str]]:
    return [dict.fromkeys(NAMES[start : start + BATCH], value) for start in range(0, len(NAMES), BATCH)]


def steady(world, answer):
    """Return the parts of an answer that two equal requests have in common, the token's claims among them."""
    content = answer.json()
    _, claims = verified(world, content.pop("access_token"))
    content.pop("refresh_token", None)
    return answer.status_code, content, {name: value for name, value in claims.items() if name not in VOLATILE}


def test_the_list_of_names_is_worth_testing():
    assert len(NAMES) > 150
    assert {"user", "client", "application", "delegation", "tenant_id", "subject", "scopes", "auth_method"} <= set(
        NAMES
    )


@spec("RFC 6749", "3.2")
@pytest.mark.parametrize("value", ["1", "usr_somebody", "admin"])
def test_internal_names_change_nothing_of_an_agent_s_own_token(world, value):
    worker = world.worker()
    plain = steady(world, world.own_token(worker))
    for injected in batches(value):
        assert steady(world, world.own_token(worker, **injected)) == plain


@spec("RFC 6749", "3.2")
def test_internal_names_change_nothing_of_a_person_s_token(world):
    scout = world.public_client()
    tokens = world.redeem(scout, *world.code(scout))
    plain = steady(world, tokens)
    refresh_token = tokens.json()["refresh_token"]
    for injected in batches("admin"):
        answer = world.refresh(scout, refresh_token, **injected)
        assert steady(world, answer) == plain
        refresh_token = answer.json()["refresh_token"]
    code, verifier = world.code(scout)
    form = {"code": code, "code_verifier": verifier, "redirect_uri": REDIRECT, "client_id": scout.id}
    fields = {**batches("1")[0], "grant_type": "authorization_code", **form}
    assert steady(world, world.token(scout, fields)) == plain


@spec("RFC 6749", "3.2")
def test_internal_names_make_no_client_out_of_nobody(world):
    before = rows(world)
    for injected in batches("1"):
        answer = world.http.post(world.url("/token"), data={**injected, "grant_type": "client_credentials"})
        assert (answer.status_code, answer.json()["error"]) == (401, oauth.InvalidClient.code)
    assert rows(world) == before


@spec("RFC 7009", "2.1")
def test_internal_names_make_nobody_s_token_one_s_own(world):
    scout, thief = world.public_client(), world.secret_client("Thief")
    token = world.grant(scout)["access_token"]
    for injected in batches("1"):
        assert world.revoke(thief, token, **injected).status_code == 200
        form = {**injected, "token": token}
        answer = world.http.post(world.url("/introspect"), data=form, auth=thief.basic)
        assert answer.json() == {"active": False}
    assert world.is_active(token)


@spec("RFC 6749", "3.2")
def test_the_library_makes_no_request_object_for_token_revocation_introspection_and_api(world, monkeypatch):
    made = []
    genuine = Request.__init__
    monkeypatch.setattr(
        Request, "__init__", lambda self, *given, **named: made.append(1) or genuine(self, *given, **named)
    )
    Request("https://id.example")
    assert made == [1], "the counter does not count"
    made.clear()
    ledger, worker = world.secret_client(), world.worker(server=world.calendar)
    code, verifier = world.code(ledger)
    form = {"code": code, "code_verifier": verifier, "redirect_uri": REDIRECT}
    tokens = inside.post(world, "/token", {"grant_type": "authorization_code", **form}, ledger).json()
    forms = [{"grant_type": name, "refresh_token": tokens["refresh_token"]} for name in [*REGISTRY, "password", ""]]
    for each in forms:
        inside.post(world, "/token", each, ledger)
        inside.post(world, "/token", {**each, "resource": world.calendar.identifier}, worker)
    for path in ("/introspect", "/revoke", "/token"):
        inside.post(world, path, {"token": tokens["access_token"]}, ledger)
        inside.post(world, path, {"token": "x"})
        inside.get(world, path)
    for path in ("/api/v1/self", "/api/v1/delegations", "/api/v1/delegations/dlg_x", "/userinfo"):
        inside.get(world, path)
        inside.get(world, path, Authorization=f"Bearer {tokens['access_token']}")
    assert made == []
