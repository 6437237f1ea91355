"""ID tokens: who signed in, for the client alone, and never good as a key to anything (OpenID Connect Core §2)."""

import base64
import hashlib
import time

import pytest

from audit.events import Event
from tests.harness.footprint import leaves_only
from tests.harness.wire import assert_refused, verified
from tests.harness.world import claims
from tests.spec import spec


@pytest.fixture
def scout(world):
    return world.public_client()


@pytest.fixture
def tokens(world, scout):
    return world.grant(scout, scope="openid email events:read", nonce="n-0S6_WzA2Mj")


@spec("OIDC Core", "2")
def test_it_is_signed_with_rs256_for_the_client_and_about_the_person(world, scout, tokens):
    header, content = verified(world, tokens["id_token"])
    assert header["alg"] == "RS256"
    assert header["typ"] != "at+jwt"
    assert set(content) == {"iss", "sub", "aud", "iat", "exp", "auth_time", "at_hash", "nonce", "sid"}
    assert (content["iss"], content["aud"]) == (world.tenant.issuer, scout.id)
    assert content["sub"] == world.people["alice"].pk == claims(tokens["access_token"])["sub"]
    assert content["nonce"] == "n-0S6_WzA2Mj"
    assert 0 < content["exp"] - content["iat"] <= 300
    assert time.time() - 60 < content["auth_time"] <= content["iat"]


@spec("OIDC Core", "3.1.3.6")
def test_it_is_bound_to_the_access_token_that_came_with_it(tokens):
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert claims(tokens["id_token"])["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()


@spec("OIDC Core", "2")
def test_without_a_nonce_in_the_request_it_has_none(world, scout):
    assert "nonce" not in claims(world.grant(scout, scope="openid events:read")["id_token"])


@spec("OIDC Core", "3.1.2.1")
def test_without_openid_there_is_none(world, scout):
    assert "id_token" not in world.grant(scout, scope="events:read", nonce="n-0S6_WzA2Mj")


@spec("OIDC Core", "12.2")
def test_a_refresh_gives_no_new_one(world, scout, tokens):
    assert "id_token" not in world.refresh(scout, tokens["refresh_token"]).json()


@spec("OIDC Core", "5.3")
def test_openid_alone_gives_a_token_for_userinfo_only(world, scout):
    tokens = world.grant(scout, scope="openid email", resource=None)
    assert claims(tokens["access_token"])["aud"] == world.tenant.issuer
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    answer = world.http.get(world.url("/userinfo"), headers=bearer)
    assert answer.json()["sub"] == claims(tokens["id_token"])["sub"]
    assert answer.json()["email"] == world.email("alice")
    assert world.http.get(world.url("/api/v1/self"), headers=bearer).status_code == 401


@spec("OIDC Core", "5.4")
def test_what_the_person_no_longer_allows_of_themselves_is_not_given(world, scout):
    code, verifier = world.code(scout, scope="openid email", resource=None)
    world.rewrite(world.delegations()[0], scopes=["openid"])
    tokens = world.redeem(scout, code, verifier).json()
    assert tokens["scope"] == "openid"
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert "email" not in world.http.get(world.url("/userinfo"), headers=bearer).json()


@spec("OIDC Core", "5.3")
def test_a_token_for_a_resource_does_not_open_userinfo_even_if_openid_was_asked_with_it(world, tokens):
    assert "openid" not in claims(tokens["access_token"])["scope"].split()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert world.http.get(world.url("/userinfo"), headers=bearer).status_code == 401


@spec("RFC 8725", "3.11")
@pytest.mark.parametrize("path", ["/userinfo", "/api/v1/self", "/api/v1/delegations"])
def test_it_opens_no_endpoint(world, tokens, path):
    with leaves_only(world):
        answer = world.http.get(world.url(path), headers={"Authorization": f"Bearer {tokens['id_token']}"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")


@spec("RFC 8725", "3.11")
def test_introspection_and_revocation_do_not_know_it(world):
    ledger = world.secret_client()
    tokens = world.grant(ledger, scope="openid events:read")
    with leaves_only(world):
        assert world.introspect(ledger, tokens["id_token"]) == {"active": False}
        assert world.revoke(ledger, tokens["id_token"]).status_code == 200
    assert world.introspect(ledger, tokens["access_token"])["active"]


@spec("RFC 8725", "3.11")
def test_it_is_no_code_and_no_refresh_token(world, scout, tokens):
    with leaves_only(world, *[Event.TOKEN_REFUSED] * 2):
        assert_refused(world.redeem(scout, tokens["id_token"], "v" * 43), "invalid_grant")
        assert_refused(world.refresh(scout, tokens["id_token"]), "invalid_grant")
