"""Who may manage a registration: the holder of its token alone; and what is written down of a change."""

from urllib.parse import urlsplit

import pytest

from agents import actions as agent_actions
from audit.principals import SYSTEM
from kit import context
from tests.harness import raw
from tests.harness.footprint import leaves_only
from tests.harness.keyholder import Keyholder
from tests.harness.registering import MINIMAL, Managed, assert_refused
from tests.spec import spec

METHODS = ("GET", "PUT", "DELETE")


@pytest.fixture
def scout(world):
    return Managed.register(world)


@spec("RFC 7592", "2.1")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("token", ["", "wrong", "x" * 5000, "é"])
def test_without_its_token_nobody_manages_a_client_and_it_stays_good(world, scout, method, token):
    with leaves_only(world):
        refusal = world.http.request(
            method, scout.uri, headers={b"Authorization": f"Bearer {token}".encode()} if token else {}, json=MINIMAL
        )
    assert_refused(refusal, "invalid_token", 401)
    # A header that is not ASCII does not reach us.
    assert ('error="invalid_token"' in refusal.headers["www-authenticate"]) == (token.isascii() and bool(token))
    assert scout.ask().status_code == 200


@spec("RFC 6750", "2.3")
def test_a_token_in_the_query_or_the_body_is_none(world, scout):
    said = {**MINIMAL, "client_id": scout.answer["client_id"], "access_token": scout.token}
    with leaves_only(world):
        assert_refused(scout.ask(token="", uri=f"{scout.uri}?access_token={scout.token}"), "invalid_token", 401)
        assert_refused(scout.ask("PUT", token="", body=said), "invalid_token", 401)


@spec("RFC 7592", "2.1")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("place", ["another client", "nobody", "nonsense"])
def test_a_token_that_is_presented_for_another_client_dies(world, scout, method, place):
    victim = Managed.register(world, client_name="Victim")
    uris = {
        "another client": victim.uri,
        "nobody": world.url("/register/dcr_nobody"),
        "nonsense": world.url("/register/a/b%20c"),
    }
    assert_refused(scout.ask(method, uri=uris[place], body=dict(MINIMAL)), "invalid_token", 401)
    assert_refused(scout.ask(), "invalid_token", 401)
    assert victim.ask().json() == victim.answer
    assert [each.about_id for each in world.entries("client.management_token_revoked")] == [scout.row.pk]
    assert world.grant(scout.credentials)["access_token"], "the client itself lives on"


@spec("RFC 7592", "2.1")
@pytest.mark.parametrize("method", METHODS)
def test_a_token_of_one_tenant_is_nothing_in_another(world, elsewhere, scout, method):
    there = elsewhere.url(f"/register/{scout.answer['client_id']}")
    with leaves_only(world), leaves_only(elsewhere):
        assert_refused(scout.ask(method, uri=there, body=dict(MINIMAL)), "invalid_token", 401)
    assert scout.ask().status_code == 200


@spec("RFC 7592", "2.1")
def test_a_client_that_an_admin_switched_off_manages_itself_no_more(world, scout):
    with context.use(world.tenant):
        agent_actions.disable_client(scout.row, by=SYSTEM, reason="strange")
    assert_refused(scout.ask(), "invalid_token", 401)


@spec("RFC 7592", "1.1")
def test_a_client_that_an_admin_registered_has_no_such_token(world):
    worker = world.worker()
    uri = world.url(f"/register/{worker.id}")
    with leaves_only(world):
        assert world.http.get(uri, headers={"Authorization": f"Bearer {worker.secret}"}).status_code == 401
        assert raw.send(world.origin, urlsplit(uri).path, {"Authorization": "Bearer "}).status == 401


KEYS = {"token_endpoint_auth_method": "private_key_jwt"}


@spec("RFC 7592", "2.2")
@pytest.mark.parametrize(
    ("changes", "changed", "risky"),
    [
        ({"client_name": "Claude"}, ["name"], ["name"]),
        ({"redirect_uris": ["http://127.0.0.1/other"]}, ["redirect_uris"], ["redirect_uris"]),
        (
            {"redirect_uris": ["https://evil.example/cb"]},
            ["redirect hosts", "redirect_uris"],
            ["redirect hosts", "redirect_uris"],
        ),
        ({"grant_types": ["authorization_code"]}, ["grant_types"], ["grant_types"]),
        ({"token_endpoint_auth_method": "client_secret_basic"}, ["auth_method"], ["auth_method"]),
        (
            {**KEYS, "jwks_uri": "https://scout.example/jwks"},
            ["auth_method", "keys"],
            ["auth_method", "keys"],
        ),
        ({"policy_uri": "https://scout.example/policy"}, ["pages"], []),
        ({}, None, None),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_a_change_is_written_down_and_what_is_risky_of_it_is_named(world, scout, changes, changed, risky):
    assert scout.put(**changes).status_code == 200
    found = [each.detail for each in world.entries("client.changed")]
    assert [(each["changed"], each["risky"]) for each in found] == ([(changed, risky)] if changed is not None else [])


@spec("RFC 7592", "2.2")
def test_other_keys_are_a_risky_change_and_keys_fetched_elsewhere_are_forgotten(world):
    key, other = Keyholder("x"), Keyholder("x")
    scout = Managed.register(world, **KEYS, jwks=key.jwks)
    assert scout.put(**KEYS, jwks=key.jwks).status_code == 200
    assert not world.entries("client.changed")
    assert scout.put(**KEYS, jwks=other.jwks).status_code == 200
    assert scout.put(**KEYS, jwks_uri="https://scout.example/jwks").status_code == 200
    assert [each.detail["risky"] for each in world.entries("client.changed")] == [["keys"], ["keys"]]
    assert (scout.row.jwks, scout.row.jwks_fetched_at) == ({}, None)
    assert "jwks" not in scout.ask().json()


@spec("RFC 7592", "2.2")
def test_a_change_of_the_name_says_from_what_to_what(world, scout):
    assert scout.put(client_name="Claude").status_code == 200
    (entry,) = world.entries("client.changed")
    assert (entry.detail["before"], entry.detail["after"]) == (["name: Scout"], ["name: Claude"])
    assert entry.principal_id == scout.answer["client_id"]
