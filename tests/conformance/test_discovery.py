"""Authorization server metadata: where a client finds it, and what stands in it."""

import pytest

from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.harness import raw
from tests.spec import spec
from tokens.endpoints import metadata

PLACES = (
    "{origin}/.well-known/oauth-authorization-server/t/{slug}",
    "{origin}/.well-known/openid-configuration/t/{slug}",
    "{origin}/t/{slug}/.well-known/openid-configuration",
)
EVIL = "evil.example"


@pytest.fixture
def places(world):
    return [place.format(origin=world.origin, slug=world.tenant.slug) for place in PLACES]


@pytest.fixture
def document(world):
    return world.http.get(world.url("/.well-known/openid-configuration")).json()


@spec("RFC 8414", "3.1")
def test_three_addresses_answer_without_a_redirect_and_with_the_same_document(world, places):
    answers = [world.http.get(place) for place in places]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}
    assert len({answer.content for answer in answers}) == 1


@spec("RFC 8414", "3.3")
def test_the_issuer_is_byte_for_byte_the_one_that_the_address_was_built_from(world, document):
    assert document["issuer"] == f"{world.origin}/t/{world.tenant.slug}"
    own = [value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))]
    assert own
    assert all(value.startswith(f"{document['issuer']}/") for value in own)


@spec("RFC 8414", "3.1")
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_slash_at_the_end_is_another_address_and_no_redirect(world, places, number):
    answer = world.http.get(f"{places[number]}/")
    assert answer.status_code == 404
    assert "location" not in answer.headers


@spec("RFC 8414", "3.2")
def test_no_member_is_null_or_empty(document):
    assert [name for name, value in document.items() if value in (None, [], {}, "")] == []


@spec("MCP", "Authorization Server Metadata Discovery")
def test_the_document_says_s256_code_iss_and_none(document):
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["response_types_supported"] == ["code"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert "none" in document["token_endpoint_auth_methods_supported"]
    assert "offline_access" in document["scopes_supported"]


@spec("RFC 8414", "2")
def test_grants_are_listed_so_that_no_default_adds_implicit(document):
    assert set(document["grant_types_supported"]) == {
        "authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:deferred",
    }  # fmt: skip
    assert "none" not in document["introspection_endpoint_auth_methods_supported"]
    assert "none" not in document["id_token_signing_alg_values_supported"]


@spec("RFC 8693", "3")
def test_the_document_says_which_tokens_are_exchanged_for_which(document):
    kind = "urn:ietf:params:oauth:token-type:"
    assert document["actor_profile_token_exchange"] == {
        "subject_token_types_supported": [f"{kind}access_token", f"{kind}id_token"],
        "actor_token_types_supported": [f"{kind}access_token", f"{kind}jwt"],
        "requested_token_types_supported": [f"{kind}access_token"],
    }


@spec("RFC 8414", "2")
def test_what_is_not_served_is_not_published(document):
    absent = {
        "pushed_authorization_request_endpoint", "check_session_iframe",
        "backchannel_authentication_endpoint", "end_session_endpoint",
        "authorization_grant_profiles_supported", "identity_chaining_requested_token_types_supported",
    }  # fmt: skip
    assert not absent & document.keys()
    assert document["request_parameter_supported"] is False
    assert document["request_uri_parameter_supported"] is False


@spec("RFC 8414", "2")
def test_every_published_endpoint_answers(world, document):
    for name, url in document.items():
        if name.endswith(("_endpoint", "_uri")):
            answer = world.http.get(url, headers={"Accept": "application/json"})
            assert answer.status_code in {200, 400, 401, 405}, (name, answer.status_code)


@spec("RFC 7591", "3")
def test_the_registration_endpoint_is_published_only_where_it_is_open(world, elsewhere, document):
    closed = tenant_actions.change_policy(elsewhere.tenant, by=SYSTEM, registration="off")
    assert document["registration_endpoint"] == world.url("/register")
    with context.use(world.tenant):
        assert metadata.describe(world.tenant) == document
    with context.use(closed):
        assert "registration_endpoint" not in metadata.describe(closed)


@spec("RFC 9728", "4")
def test_the_documents_of_server_and_resource_name_each_other(world, document):
    (resource,) = document["protected_resources"]
    path = resource.removeprefix(world.origin)
    described = world.http.get(f"{world.origin}/.well-known/oauth-protected-resource{path}").json()
    assert described["resource"] == resource
    assert described["authorization_servers"] == [document["issuer"]]


@spec("RFC 8414", "3.1")
@pytest.mark.parametrize("name", ["oauth-authorization-server", "openid-configuration", "oauth-protected-resource"])
def test_the_host_itself_is_no_issuer(world, name):
    answer = world.http.get(f"{world.origin}/.well-known/{name}")
    assert (answer.status_code, answer.json()) == (404, {"error": "not_found"})


@spec("RFC 8414", "3.1")
def test_an_unknown_tenant_is_404_with_one_body_at_all_three_addresses(world):
    answers = [world.http.get(place.format(origin=world.origin, slug="nobody-here")) for place in PLACES]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert {answer.text for answer in answers} == {'{"error": "not_found"}'}


@spec("RFC 8414", "3.3")
def test_a_foreign_host_is_refused_and_stands_in_no_document(world):
    target = f"/t/{world.tenant.slug}/.well-known/openid-configuration"
    assert raw.send(world.origin, target).status == 200
    answer = raw.send(world.origin, target, {"Host": EVIL})
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/json"
    assert EVIL.encode() not in answer.body


@spec("RFC 8414", "3.3")
@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Forwarded-Host", EVIL),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Prefix", "/evil"),
        ("Forwarded", f"host={EVIL};proto=https"),
        ("X-Original-URL", "/t/evil"),
    ],
)
def test_headers_of_proxies_do_not_change_the_document(world, places, header, value):
    plain = world.http.get(places[0])
    answer = world.http.get(places[0], headers={header: value})
    assert (answer.status_code, answer.content) == (200, plain.content)


@spec("RFC 8414", "3.2")
def test_a_cache_keeps_the_document_and_asks_again_by_its_etag(world, places):
    first = world.http.get(places[0])
    etag = first.headers["etag"]
    assert first.headers["cache-control"] == "public, max-age=300"
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = world.http.get(places[0], headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag), known
    assert world.http.get(places[0], headers={"If-None-Match": '"other"'}).status_code == 200


@spec("RFC 8414", "3.1")
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_document_is_only_read(world, places, method):
    answer = world.http.request(method, places[0])
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.headers["content-type"] == "application/json"


@spec("RFC 8414", "3.1")
def test_head_says_what_get_would_say(world, places):
    answer = world.http.head(places[0])
    assert (answer.status_code, answer.content) == (200, b"")


@spec("MCP", "Authorization Server Metadata Discovery")
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks.json", "/token", "/register", "/revoke"])
def test_a_browser_client_of_any_origin_may_ask(world, path):
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    asked["Access-Control-Request-Headers"] = "mcp-protocol-version"
    before = world.http.options(world.url(path), headers=asked)
    assert before.status_code == 204
    assert before.headers["access-control-allow-origin"] == "*"
    assert "MCP-Protocol-Version" in before.headers["access-control-allow-headers"]
    after = world.http.get(world.url(path), headers={"Origin": "https://app.example"})
    assert after.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in after.headers


@spec("RFC 9700", "2.6")
@pytest.mark.parametrize("path", ["/authorize", "/introspect", "/login", "/me/agents", "/api/v1/self"])
def test_pages_and_the_api_never_answer_scripts_of_other_origins(world, path):
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    for answer in (world.http.options(world.url(path), headers=asked), world.http.get(world.url(path), headers=asked)):
        assert not [name for name in answer.headers if name.startswith("access-control-")]
