"""Registering oneself: what a stranger may say of its client, and what it gets."""

import re
import time
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.test import Client, override_settings

from agents.models import Agent
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.harness.footprint import leaves_only
from tests.harness.world import REDIRECT
from tests.spec import spec

JSON = {"Content-Type": "application/json"}
MANAGED = {"registration_access_token", "registration_client_uri"}
MINIMAL = {"client_name": "Scout", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"}


def register(world, **document):
    return world.http.post(world.url("/register"), json={**MINIMAL, **document})


def send(world, body, **headers):
    return world.http.post(world.url("/register"), content=body, headers={**JSON, **headers})


def refused(world, response, code="invalid_client_metadata", status=400):
    assert (response.status_code, response.json().get("error")) == (status, code), response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert "client_id" not in response.json()


def has_null(value):
    if isinstance(value, dict):
        return any(map(has_null, value.values()))
    return any(map(has_null, value)) if isinstance(value, list) else value is None


@spec("RFC 7591", "3.2.1")
def test_a_registration_answers_201_with_everything_that_was_stored(world):
    said = {
        "client_name": "Nightly triage",
        "application_type": "native",
        "redirect_uris": ["http://127.0.0.1/cb", "https://app.example/cb"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": "events:read events:write",
        "client_uri": "https://app.example/",
        "logo_uri": "https://app.example/logo.png",
        "policy_uri": "https://app.example/policy",
        "tos_uri": "https://app.example/tos",
        "software_id": "4NRB1-0XZABZI9E6-5SM3R",
        "software_version": "2.1",
    }
    response = register(world, **said)
    answer = response.json()
    assert (response.status_code, response.headers["cache-control"]) == (201, "no-store")
    assert {name: answer[name] for name in said} == said
    assert answer.keys() - said.keys() == {"client_id", "client_id_issued_at", *MANAGED}
    assert abs(answer["client_id_issued_at"] - time.time()) < 10


@spec("RFC 7591", "2")
def test_defaults_are_filled_in_and_said(world):
    answer = world.http.post(world.url("/register"), json={"redirect_uris": [REDIRECT]}).json()
    assert answer["client_name"]
    assert answer["grant_types"] == ["authorization_code"]
    assert answer["response_types"] == ["code"]
    assert answer["token_endpoint_auth_method"] == "client_secret_basic"
    assert not has_null(answer)


@spec("RFC 7591", "3.2.1")
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_confidential_client_gets_a_secret_of_unreserved_characters_once(world, method):
    answer = register(world, token_endpoint_auth_method=method).json()
    assert answer["client_secret_expires_at"] == 0
    assert len(answer["client_secret"]) >= 43
    assert re.fullmatch(r"[A-Za-z0-9_-]+", answer["client_id"] + answer["client_secret"])
    with context.use(world.tenant):
        stored = Agent.objects.get().clients.get()
    assert answer["client_secret"] not in stored.client_secret


@spec("RFC 7591", "3.2.1")
def test_a_public_client_gets_no_secret(world):
    assert not {"client_secret", "client_secret_expires_at"} & register(world).json().keys()


@spec("RFC 7591", "2")
def test_unknown_members_and_nulls_are_ignored(world):
    further = {"default_max_age": 3600, "x": {"y": [1]}, "jwks_uri": "http://127.0.0.1/k", "client_uri": None}
    response = register(world, **further, userinfo_signed_response_alg="RS256", contacts=["a@b.example"])
    assert response.status_code == 201
    assert not has_null(response.json())
    assert not (further.keys() | {"contacts"}) & response.json().keys()


@spec("RFC 7591", "2")
def test_what_the_server_decides_cannot_be_said(world):
    forged = {
        "client_id": "chosen", "client_secret": "chosen", "registration_access_token": "chosen", "id": "cli_chosen",
        "tenant": "ten_other", "tenant_id": "ten_other", "is_admin": True, "trusted": True, "skip_consent": True,
        "skip_authorization": True, "status": "approved", "registration_source": "manual", "agent": "agt_other",
        "may_act": True, "access_token_seconds": 10**9, "version": 7, "client_id_issued_at": 1,
    }  # fmt: skip
    answer = register(world, **forged).json()
    assert "chosen" not in answer.values()
    assert answer["client_id"].startswith("dcr_")
    assert not (forged.keys() - {"client_id", "client_id_issued_at", *MANAGED}) & answer.keys()
    with context.use(world.tenant):
        agent = Agent.objects.get()
        client = agent.clients.get()
    assert (agent.registration, client.registration_source, client.version) == ("dynamic", "dcr", 1)


@spec("RFC 7591", "2")
@pytest.mark.parametrize(
    "grant",
    ["client_credentials", "password", "implicit", "urn:ietf:params:oauth:grant-type:token-exchange",
     "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:openid:params:grant-type:ciba"],
)  # fmt: skip
def test_a_stranger_gets_no_grant_but_codes_and_refresh(world, grant):
    dropped = register(
        world, grant_types=["authorization_code", grant], token_endpoint_auth_method="client_secret_post"
    )
    assert dropped.json()["grant_types"] == ["authorization_code"]
    with leaves_only(world, "client.refused"):
        refused(world, register(world, grant_types=[grant]))
    form = {"grant_type": grant, "resource": world.calendar.identifier, "subject_token": "x", "subject_token_type": "x"}
    form |= {"assertion": "x"}
    secret = {name: dropped.json()[name] for name in ("client_id", "client_secret")}
    answer = world.http.post(world.url("/token"), data=form | secret)
    assert answer.json()["error"] in {"unauthorized_client", "unsupported_grant_type"}


@spec("MCP", "Scope Selection Strategy")
def test_the_registered_scope_is_no_ceiling(world):
    scout = world.public_client(scope="events:read")
    tokens = world.grant(scout, scope="events:read contacts:read")
    assert tokens["scope"] == "contacts:read events:read"


@spec("OIDC Core", "3.1.2.1")
@pytest.mark.parametrize("kind", [None, "native", "web"])
def test_loopback_may_be_registered_by_every_application_type(world, kind):
    said = {} if kind is None else {"application_type": kind}
    assert register(world, **said).status_code == 201


@spec("RFC 7591", "3")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_tenant_that_is_closed_has_no_such_endpoint(world, elsewhere, method):
    tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="off")
    with leaves_only(world):
        response = world.http.request(method, world.url("/register"), json=MINIMAL)
    assert (response.status_code, response.json()) == (404, {"error": "not_found"})
    assert register(elsewhere).status_code == 201


@spec("RFC 7591", "3")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_registration_is_a_post(world, method):
    with leaves_only(world):
        response = world.http.request(method, world.url("/register"), json=MINIMAL)
    refused(world, response, "invalid_request", 405)
    assert response.headers["allow"] == "POST"


@spec("RFC 7591", "3.1")
@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", ""]
)
def test_a_registration_is_json(world, kind):
    with leaves_only(world):
        refused(
            world,
            send(world, b'{"redirect_uris": ["https://a.example"]}', **{"Content-Type": kind}),
            "invalid_request",
            415,
        )


@spec("RFC 7591", "5")
def test_a_flood_of_registrations_is_told_to_wait(world, elsewhere):
    cache.clear()
    browser = Client(SERVER_NAME=urlsplit(world.origin).hostname)

    def knock(which):
        return browser.post(f"/t/{which.tenant.slug}/register", MINIMAL, content_type="application/json")

    with override_settings(REGISTRATIONS_PER_MINUTE=2):
        assert [knock(world).status_code for _ in range(2)] == [201, 201]
        with leaves_only(world):
            refusal = knock(world)
        assert knock(elsewhere).status_code == 201
    assert (refusal.status_code, refusal.json()["error"]) == (429, "temporarily_unavailable")
    assert refusal.headers["Retry-After"] == "60"


@spec("RFC 7591", "5")
def test_a_registration_is_written_down_with_its_return_addresses(world):
    answer = register(world).json()
    (entry,) = world.entries("client.registered")
    assert (entry.principal_id, entry.detail) == (answer["client_id"], {"redirect_uris": [REDIRECT]})
    assert [each.detail for each in world.entries("agent.registered")] == [{"how": "dynamic"}]


@spec("RFC 7591", "5")
def test_a_registered_client_is_shown_as_unverified(world):
    browser = world.ask(world.public_client(), "alice")
    assert "Unverified publisher" in browser.words()
