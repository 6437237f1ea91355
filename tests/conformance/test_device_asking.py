"""What a device may ask for, and who may: refusals at the device authorization endpoint, and registration for it."""

import secrets

import pytest
from django.test import override_settings

from agents import actions as agent_actions
from audit.events import Event
from audit.principals import SYSTEM
from kit import context
from tests.harness import device, inside
from tests.harness.device import ask
from tests.harness.footprint import leaves_only
from tests.harness.keyholder import as_credentials, document
from tests.harness.wire import assert_refused, post
from tests.harness.world import REDIRECT, Credentials
from tests.spec import spec

GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def scout(world):
    who = device.agent(world)
    assert ask(world, who).status_code == 200
    return who


@spec("RFC 8628", "3.1")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"scope": "events:fly"}, "invalid_scope"),
        ({"scope": "notes:read"}, "invalid_scope"),
        ({"resource": "https://unknown.example/mcp"}, "invalid_target"),
        ({"resource": "not a uri"}, "invalid_target"),
        ({"resource": None}, "invalid_target"),
        ({"resource": [f"https://{number}.example/mcp" for number in range(6)]}, "invalid_target"),
        ({"scope": ["events:read", "contacts:read"]}, "invalid_request"),
        ({"client_id": ["a", "b"]}, "invalid_request"),
    ],
    ids=str,
)
def test_what_cannot_be_understood_starts_nothing(world, scout, change, code):
    known = code not in {"invalid_request"}
    with leaves_only(world, *([Event.AUTHORIZATION_REFUSED] if known else [])):
        assert_refused(ask(world, scout, **change), code)


@spec("RFC 8628", "3.1")
@pytest.mark.parametrize("change", [{"client_id": None}, {"client_id": "dcr_nobody"}, {"client_id": "\u202e"}], ids=str)
def test_a_client_that_is_not_known_starts_nothing(world, scout, change):
    with leaves_only(world):
        assert_refused(ask(world, scout, **change), "invalid_client", 401)


@spec("RFC 8628", "3.1")
def test_a_confidential_client_starts_nothing_without_its_secret(world):
    who = device.agent(world, token_endpoint_auth_method="client_secret_basic")
    assert ask(world, who).status_code == 200
    for wrong in ("", "not the secret"):
        with leaves_only(world):
            assert_refused(ask(world, Credentials(who.client, wrong)), "invalid_client", 401)


@spec("RFC 8628", "3.1")
def test_a_client_that_did_not_register_the_grant_starts_nothing_and_gets_nothing(world):
    who, started = world.public_client(), device.start(world)
    with leaves_only(world, Event.AUTHORIZATION_REFUSED, Event.TOKEN_REFUSED):
        assert_refused(ask(world, who), "unauthorized_client")
        assert_refused(started.poll(who=who), "unauthorized_client")


@spec("RFC 8628", "3.1")
def test_a_paused_agent_starts_nothing(world):
    paused = device.agent(world)
    with context.use(world.tenant):
        agent_actions.suspend_agent(paused.client.agent, by=SYSTEM, reason="strange")
    with leaves_only(world, Event.AUTHORIZATION_REFUSED):
        assert_refused(ask(world, paused), "unauthorized_client")


@spec("RFC 8628", "3.1")
@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"Content_Type": "application/json"}, 415),
        (b"a=1&a=2", {}, 400),
        (b"client_id=%00", {}, 400),
        (b"x=" + b"y" * 70_000, {}, 413),
    ],
    ids=["json", "twice", "NUL", "long"],
)
def test_bad_bodies_get_the_answer_of_the_token_endpoint(world, body, headers, status):
    with leaves_only(world):
        assert_refused(post(world, "/device_authorization", body, **headers), "invalid_request", status)


@spec("RFC 8628", "3.1")
def test_only_a_post_starts_something(world, scout):
    with leaves_only(world):
        answer = world.http.get(world.url("/device_authorization"))
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@spec("RFC 8628", "3.1")
def test_parameters_that_are_not_known_are_ignored(world, scout):
    names = ("redirect_uri", "member", "status", "user_code", "device_code", "code_challenge", "request", "shown")
    started = device.start(world, scout, **dict.fromkeys(names, "https://evil.example/"))
    row = started.row()
    assert row.parameters.keys() == {"scope", "resource"}
    assert (row.status, row.member_id) == ("pending", None)


@spec("RFC 8707", "2.1")
def test_a_device_that_names_no_scope_asks_for_the_defaults_of_the_resource(world, scout):
    started = device.start(world, scout, scope=None)
    started.decide()
    assert started.poll().json()["scope"] == "events:read"


@spec("CIMD", "4")
def test_an_agent_that_is_registered_nowhere_asks_from_a_device_by_its_document(world, documents):
    path = f"/agents/{secrets.token_hex(6)}.json"
    document(documents, path, grant_types=device.GRANTS)
    started = device.start(world, as_credentials(documents.url(path)))
    assert "Let Scout use Calendar for you?" in started.opened().words()
    started.decide()
    assert started.poll().json()["scope"] == "events:read"


@spec("RFC 8628", "3.1")
def test_an_address_starts_only_so_many_requests_in_a_minute(world, scout):
    form = {"client_id": scout.id, "scope": "events:read", "resource": world.calendar.identifier}
    with override_settings(DEVICE_REQUESTS_PER_MINUTE=3):
        found = [inside.post(world, "/device_authorization", form) for _ in range(3)]
    assert {answer.status_code for answer in found} == {200}
    with override_settings(DEVICE_REQUESTS_PER_MINUTE=3), leaves_only(world):
        answer = inside.post(world, "/device_authorization", form)
    assert (answer.status_code, answer.json()["error"]) == (429, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "60"


# --- registration


def register(world, **document):
    base = {"client_name": "Scout", "grant_types": [GRANT], "token_endpoint_auth_method": "none"}
    return world.http.post(world.url("/register"), json={**base, **document})


@spec("RFC 7591", "2")
def test_an_agent_that_lives_on_a_device_registers_no_redirect(world):
    answer = register(world).json()
    assert (answer["grant_types"], answer["response_types"], answer["redirect_uris"]) == ([GRANT], [], [])
    response = world.http.get(world.url(f"/authorize?response_type=code&client_id={answer['client_id']}"))
    assert response.status_code == 400


@spec("RFC 7591", "2")
@pytest.mark.parametrize(
    "change",
    [
        {"grant_types": [GRANT, "authorization_code"]},
        {"grant_types": ["refresh_token"]},
        {"redirect_uris": []},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": REDIRECT},
    ],
    ids=str,
)
def test_redirects_are_needed_for_the_code_grant_and_judged_wherever_they_stand(world, change):
    with leaves_only(world, "client.refused"):
        assert register(world, **change).status_code == 400
