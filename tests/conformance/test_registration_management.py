"""Managing a registration: a client reads, replaces and ends what it registered itself."""

import pytest

from audit.principals import SYSTEM
from kit import opaque
from tenants import actions as tenant_actions
from tests.harness import domains, everything
from tests.harness.footprint import leaves_only
from tests.harness.keyholder import Keyholder
from tests.harness.registering import MINIMAL, Managed, assert_refused
from tests.harness.world import REDIRECT
from tests.spec import spec


@pytest.fixture
def scout(world):
    return Managed.register(world)


@spec("RFC 7592", "3")
def test_a_registration_says_where_and_by_which_token_it_is_managed(world, scout):
    assert scout.uri == f"{world.tenant.issuer}/register/{scout.answer['client_id']}"
    assert len(scout.token) >= 43
    assert scout.row.registration_digest == opaque.digest(scout.token)


@spec("RFC 7592", "5")
def test_the_token_is_stored_as_a_digest_alone(scout):
    assert not everything.tables_with(scout.token, everything.rows())


@spec("RFC 7592", "2.1")
def test_reading_answers_what_was_registered(world, scout):
    with leaves_only(world):
        found = scout.ask()
    assert (found.status_code, found.headers["cache-control"]) == (200, "no-store")
    assert found.json() == scout.answer


@spec("RFC 7592", "2.1")
def test_a_secret_is_not_shown_again(world):
    ledger = Managed.register(world, token_endpoint_auth_method="client_secret_basic")
    found = ledger.ask().json()
    assert found == {name: ledger.answer[name] for name in ledger.answer if not name.startswith("client_secret")}


@spec("RFC 7592", "2.2")
def test_replacing_takes_what_is_said_as_all_there_is(world):
    scout = Managed.register(world, client_uri="https://scout.example/", scope="events:read")
    found = scout.put(client_name="Scout the second", redirect_uris=["https://scout.example/cb"])
    assert found.status_code == 200, found.text
    kept = {name: value for name, value in scout.answer.items() if name not in {"client_uri", "scope"}}
    said = {"client_name": "Scout the second", "redirect_uris": ["https://scout.example/cb"]}
    assert found.json() == {**kept, **said}
    assert scout.ask().json() == found.json()


@spec("RFC 7592", "2.2")
def test_what_is_replaced_counts_at_once(world, scout):
    other = "https://scout.example/cb"
    assert scout.put(redirect_uris=[other]).status_code == 200
    assert world.ask(scout.credentials, "alice", redirect_uri=other).page.status_code == 200
    assert world.ask(scout.credentials, "alice", redirect_uri=REDIRECT).page.status_code == 400


@spec("RFC 7592", "2.2")
@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("registration_access_token", "x"),
        ("registration_client_uri", "https://id.example/register/x"),
        ("client_secret_expires_at", 0),
        ("client_id_issued_at", 1),
        ("client_id", None),
        ("client_id", "dcr_other"),
        ("client_id", 7),
        ("client_secret", "chosen"),
        ("client_secret", 7),
    ],
)
def test_what_the_server_decides_cannot_be_replaced(scout, member, value):
    scout.refuses(**{member: value})


@spec("RFC 7592", "2.2")
@pytest.mark.parametrize("member", ["registration_access_token", "registration_client_uri", "client_id_issued_at"])
def test_not_even_by_what_it_is_already(scout, member):
    scout.refuses(**{member: scout.answer[member]})


@spec("RFC 7592", "2.2")
def test_the_current_secret_may_be_said_and_no_other(world):
    ledger = Managed.register(world, token_endpoint_auth_method="client_secret_basic")
    secret, method = ledger.answer["client_secret"], "client_secret_post"
    ledger.refuses(client_secret=f"{secret}x", token_endpoint_auth_method=method)
    found = ledger.put(client_secret=secret, token_endpoint_auth_method=method)
    assert (found.status_code, found.json()["client_secret"]) == (200, secret)
    assert found.json()["client_secret_expires_at"] == 0
    assert world.grant(ledger.credentials)["access_token"]


@spec("RFC 7592", "2.2")
def test_a_client_that_begins_to_use_a_secret_gets_one_and_one_that_stops_loses_it(world, scout):
    found = scout.put(token_endpoint_auth_method="client_secret_basic").json()
    assert len(found["client_secret"]) >= 43
    scout.answer["client_secret"] = found["client_secret"]
    assert world.grant(scout.credentials)["access_token"]
    assert "client_secret" not in scout.put().json()
    assert scout.row.client_secret == ""


@spec("RFC 7592", "2.2")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": None}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://*.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://scout.example/cb"] * 2000}, "invalid_redirect_uri"),
        ({"client_name": "Rem\u200bit"}, "invalid_client_metadata"),
        ({"logo_uri": "data:image/png;base64,AAAA"}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "invalid_client_metadata"),
        ({"jwks": {"keys": []}, "jwks_uri": "https://scout.example/jwks"}, "invalid_client_metadata"),
    ],
)
def test_what_could_not_be_registered_cannot_be_said_later(scout, changes, code):
    scout.refuses(code, **changes)


@spec("RFC 7591", "5")
def test_a_private_key_cannot_be_said_later(world, scout):
    key = Keyholder(scout.answer["client_id"])
    scout.refuses(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [key.private]})
    assert scout.put(token_endpoint_auth_method="private_key_jwt", jwks=key.jwks).status_code == 200


@spec("RFC 7592", "2.2")
def test_privileges_that_are_said_are_dropped(scout):
    before = scout.row
    found = scout.put(grant_types=["authorization_code", "client_credentials"], status="approved", tenant="ten_x")
    assert (found.status_code, found.json()["grant_types"]) == (200, ["authorization_code"])
    assert not {"status", "tenant"} & found.json().keys()
    assert (scout.row.tenant_id, scout.row.agent_id) == (before.tenant_id, before.agent_id)


@spec("RFC 7592", "2.3")
def test_deleting_ends_what_people_allowed_and_every_token(world, scout):
    tokens = world.grant(scout.credentials)
    answer = scout.ask("DELETE")
    assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (204, b"", "no-store")
    assert [each.ended_reason for each in world.delegations()] == ["it ended its registration"]
    assert world.family(tokens["refresh_token"]).revoked is not None
    assert not world.is_active(tokens["access_token"])
    assert world.refresh(scout.credentials, tokens["refresh_token"]).status_code == 401
    assert (scout.row.status, scout.row.agent.status) == ("disabled", "retired")
    assert [each.principal_id for each in world.entries("client.unregistered")] == [scout.answer["client_id"]]


@spec("RFC 7592", "2.3")
def test_a_code_on_its_way_buys_nothing_after_a_delete(world, scout):
    code, verifier = world.code(scout.credentials)
    assert scout.ask("DELETE").status_code == 204
    assert world.redeem(scout.credentials, code, verifier).json()["error"] == "invalid_client"


@spec("RFC 7592", "2.3")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_what_was_deleted_answers_like_what_never_was(world, scout, method):
    assert scout.ask("DELETE").status_code == 204
    with leaves_only(world):
        assert_refused(scout.ask(method, body=dict(MINIMAL)), "invalid_token", 401)


@spec("RFC 7592", "2.2")
def test_a_tenant_that_closed_registration_lets_nothing_be_replaced_but_lets_clients_go(world, scout):
    tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="off")
    domains.wait()
    scout.refuses("access_denied", 403)
    assert scout.ask().status_code == 200
    assert scout.ask("DELETE").status_code == 204


@spec("RFC 7592", "2")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_script_of_any_origin_manages_what_it_registered(world, scout, method):
    asked = {"Origin": "https://agent.example", "Access-Control-Request-Method": method}
    allowed = world.http.options(scout.uri, headers=asked)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (204, "*")
    assert method in allowed.headers["access-control-allow-methods"]
    assert scout.ask().headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in allowed.headers


@spec("RFC 7592", "2")
@pytest.mark.parametrize("method", ["POST", "PATCH", "TRACE"])
def test_another_method_is_not_answered(world, scout, method):
    with leaves_only(world):
        refusal = scout.ask(method)
    assert_refused(refusal, "invalid_request", 405)
    assert refusal.headers["allow"] == "GET, PUT, DELETE"
