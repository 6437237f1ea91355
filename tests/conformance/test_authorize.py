"""The authorization request: what is asked, what is refused, and by which way the refusal goes."""

import pytest

from audit.principals import SYSTEM
from tenants import actions as tenant_actions
from tests.harness.browser import answer
from tests.harness.footprint import leaves_only
from tests.harness.world import REDIRECT, claims, pkce
from tests.spec import spec


@pytest.fixture
def scout(world):
    return world.public_client()


def refusal(world, who, **changes):
    """Return the error with which a request comes back to the client; nothing but the audit row was written."""
    with leaves_only(world, "authorization.refused"):
        page = world.ask(who, **changes).page
    found = answer(page)
    assert page.headers["location"].startswith(f"{REDIRECT}?")
    assert found.keys() == {"error", "error_description", "error_uri", "state", "iss"}
    assert found["error_uri"].startswith(world.url(f"/errors/{found['error']}?request=req_"))
    assert (found["iss"], found["state"]) == (world.tenant.issuer, "the-state")
    kept = world.entries("authorization.refused")[-1].detail
    named = {"audience"} if "resource=" in str(page.request.url) else set()
    assert (kept["error"], kept.keys()) == (found["error"], {"error", "steps"} | named)
    assert [step["verdict"] for step in kept["steps"]].count("failed") == 1
    return found["error"]


@spec("RFC 9207", "2")
def test_an_allowed_request_returns_with_code_state_and_iss(world, scout):
    browser = world.ask(scout, "alice")
    browser.decide()
    found = answer(browser.page)
    assert found.keys() == {"code", "state", "iss"}
    assert (found["state"], found["iss"]) == ("the-state", world.tenant.issuer)


@spec("RFC 9700", "4.12")
def test_the_way_back_is_a_303_without_referrer_and_not_stored(world, scout):
    browser = world.ask(scout, "alice")
    browser.decide()
    assert browser.page.status_code == 303
    assert browser.page.headers["referrer-policy"] == "no-referrer"
    assert browser.page.headers["cache-control"] == "no-store"


@spec("RFC 9700", "2.1.1")
@pytest.mark.parametrize("client", ["public_client", "secret_client"])
@pytest.mark.parametrize(
    "change",
    [
        {"challenge": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge_method": "s256"},
        {"challenge": "short"},
        {"challenge": "é" * 43},
    ],
    ids=["no challenge", "plain", "no method", "lower case", "too short", "not ASCII"],
)
def test_without_pkce_s256_there_is_no_code(world, client, change):
    who = getattr(world, client)()
    assert refusal(world, who, **change) == "invalid_request"


@spec("RFC 9700", "2.1.2")
@pytest.mark.parametrize("kind", ["token", "id_token", "code token", "code id_token", "none", "CODE", "password"])
def test_only_the_code_response_type_is_answered(world, scout, kind):
    assert refusal(world, scout, response_type=kind) == "unsupported_response_type"


@spec("RFC 6749", "4.1.2.1")
def test_a_missing_response_type_is_a_malformed_request(world, scout):
    assert refusal(world, scout, response_type=None) == "invalid_request"


@spec("OIDC Core", "3.1.2.6")
@pytest.mark.parametrize(
    ("parameter", "code"), [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")]
)
@pytest.mark.parametrize(
    "value", ["eyJhbGciOiJub25lIn0.e30.", "https://evil.example/r", "http://127.0.0.1/", "file:///x"]
)
def test_request_objects_are_neither_read_nor_fetched(world, scout, parameter, code, value):
    assert refusal(world, scout, **{parameter: value}) == code


@spec("OIDC Core", "3.1.2.5")
@pytest.mark.parametrize("mode", ["form_post", "fragment", "web_message", "query.jwt", "nonsense"])
def test_only_the_query_response_mode_is_answered(world, scout, mode):
    assert refusal(world, scout, response_mode=mode) == "invalid_request"
    assert world.ask(scout, "alice", response_mode="query").page.status_code == 200


@spec("RFC 8707", "2")
@pytest.mark.parametrize(
    "resource",
    [
        None,
        "https://unknown.example/mcp",
        "not a uri",
        "https://user@calendar.example/mcp",
        ["https://unknown.example/mcp", "https://other.example"],
        [f"https://r{number}.example" for number in range(6)],
    ],
    ids=["missing", "unknown", "no URI", "user information", "two unknown", "six"],
)
def test_a_resource_that_is_missing_or_unknown_is_an_invalid_target(world, scout, resource):
    assert refusal(world, scout, resource=resource) == "invalid_target"


@spec("RFC 8707", "2")
@pytest.mark.parametrize("change", ["{}#part", "{}/", "{}/more", "{}?x=1"])
def test_a_resource_is_compared_whole(world, scout, change):
    assert refusal(world, scout, resource=change.format(world.calendar.identifier)) == "invalid_target"


@spec("RFC 8707", "2")
def test_one_unknown_resource_among_known_ones_refuses_them_all(world, scout):
    asked = [world.calendar.identifier, "https://unknown.example/mcp"]
    assert refusal(world, scout, resource=asked) == "invalid_target"


@spec("RFC 8707", "2.2")
def test_two_resources_in_one_consent_make_two_delegations_and_each_token_names_one(world, scout):
    both = {"resource": [world.calendar.identifier, world.notes.identifier], "scope": "events:read notes:read"}
    code, verifier = world.code(scout, **both)
    assert {each.audience for each in world.delegations()} == set(both["resource"])
    assert world.redeem(scout, code, verifier).json()["error"] == "invalid_target"
    first = world.redeem(scout, code, verifier, resource=world.notes.identifier).json()
    assert (claims(first["access_token"])["aud"], first["scope"]) == (world.notes.identifier, "notes:read")
    second = world.refresh(scout, first["refresh_token"], resource=world.calendar.identifier).json()
    assert (claims(second["access_token"])["aud"], second["scope"]) == (world.calendar.identifier, "events:read")


@spec("MCP", "Resource Parameter Implementation")
def test_scheme_and_host_of_a_resource_may_be_in_upper_case(world, scout):
    spelled = world.calendar.identifier.replace("https://calendar.", "HTTPS://CALENDAR.")
    tokens = world.grant(scout, resource=spelled)
    assert claims(tokens["access_token"])["aud"] == world.calendar.identifier


@spec("RFC 6749", "3.3")
@pytest.mark.parametrize("scope", ["admin:all", "events:read admin:all", "notes:read", "self:read", "EVENTS:READ"])
def test_a_scope_that_the_resource_does_not_know_is_invalid(world, scout, scope):
    assert refusal(world, scout, scope=scope) == "invalid_scope"


@spec("RFC 6749", "3.3")
@pytest.mark.parametrize("scope", [None, ""])
def test_without_a_scope_the_defaults_of_the_resource_are_asked(world, scout, scope):
    assert world.grant(scout, scope=scope)["scope"] == "events:read"


@spec("RFC 8707", "2")
def test_a_tenant_may_name_the_resource_of_requests_that_name_none(world, scout):
    tenant_actions.change_policy(world.tenant, by=SYSTEM, default_resource=world.notes.identifier)
    tokens = world.grant(scout, resource=None, scope=None)
    assert claims(tokens["access_token"])["aud"] == world.notes.identifier


@spec("OIDC Core", "3.1.2.1")
@pytest.mark.parametrize(
    "change",
    [{"prompt": "none login"}, {"prompt": "always"}, {"max_age": "-1"}, {"max_age": "soon"}, {"max_age": "1" * 10}],
)
def test_a_prompt_or_age_that_means_nothing_is_a_malformed_request(world, scout, change):
    assert refusal(world, scout, **change) == "invalid_request"


@spec("RFC 6749", "4.1.2")
@pytest.mark.parametrize(
    "state",
    [
        "a\r\nSet-Cookie: b=c",
        '"><script>alert(1)</script>',
        "x&code=stolen#f",
        "\u202eevil\u2066",
        "s" * 2000,
        "%0d%0a+ ~",
    ],
    ids=["CRLF", "markup", "another parameter", "bidi", "long", "already encoded"],
)
def test_state_comes_back_as_it_was_sent(world, scout, state):
    browser = world.ask(scout, response_type="token", state=state)
    found = answer(browser.page)
    assert (found["state"], found["error"]) == (state, "unsupported_response_type")
    assert found.keys() == {"error", "error_description", "error_uri", "state", "iss"}
    assert "set-cookie" not in browser.page.headers


@spec("RFC 6749", "4.1.2")
def test_without_a_state_none_is_invented(world, scout):
    assert "state" not in answer(world.ask(scout, response_type="token", state=None).page)


@spec("OIDC Core", "3.1.3.7")
def test_the_nonce_is_in_the_id_token_as_it_was_sent(world, scout):
    tokens = world.grant(scout, scope="openid", resource=None, nonce="n-0S6_WzA2Mj<&>")
    found = claims(tokens["id_token"])
    assert (found["nonce"], found["aud"], found["iss"]) == ("n-0S6_WzA2Mj<&>", scout.id, world.tenant.issuer)


@spec("MCP", "Authorization Flow Steps")
def test_the_address_survives_being_fetched_twice(world, scout):
    verifier, challenge = pkce()
    url = world.authorize_url(scout, challenge)
    assert world.browser().go(url).status_code == 200
    browser = world.browser("alice")
    browser.go(url)
    browser.go(url)
    browser.decide()
    assert world.redeem(scout, answer(browser.page)["code"], verifier).status_code == 200


@spec("RFC 9700", "4.15")
def test_no_client_id_can_be_mistaken_for_a_person(world, scout):
    subject = claims(world.grant(scout)["access_token"])
    assert subject["sub"].startswith("usr_")
    assert subject["act"]["sub"].startswith("agt_")
    assert scout.id.startswith("dcr_")
