"""`/userinfo`: who the person is, for a token whose audience is the issuer itself, and for no other."""

import pytest
from django.utils import timezone

from audit.principals import SYSTEM
from delegations import actions as delegation_actions
from kit import context
from tenants import actions as tenant_actions
from tests.harness.footprint import leaves_only
from tests.harness.world import claims
from tests.spec import spec
from tokens.models import AccessToken


@pytest.fixture
def scout(world):
    return world.public_client()


@pytest.fixture
def tokens(world, scout):
    return world.grant(scout, scope="openid profile email", resource=None)


def ask(world, token, method="GET", **headers):
    authorization = {"Authorization": f"Bearer {token}"} if token else {}
    return world.http.request(method, world.url("/userinfo"), headers={**authorization, **headers})


def refused(world, response, code="invalid_token", status=401):
    assert (response.status_code, response.json()["error"]) == (status, code), response.text
    assert response.json().keys() == {"error", "error_description"}
    assert response.headers["cache-control"] == "no-store"
    return response.headers.get("www-authenticate", "")


@spec("OIDC Core", "5.3.2")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_userinfo_says_what_the_scopes_open(world, tokens, method):
    response = ask(world, tokens["access_token"], method)
    alice = world.people["alice"]
    assert response.json() == {"sub": alice.pk, "name": "Alice", "email": alice.email, "email_verified": True}
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"


@spec("OIDC Core", "5.4")
@pytest.mark.parametrize(
    ("scope", "members"),
    [("openid", {"sub"}), ("openid profile", {"sub", "name"}), ("openid email", {"sub", "email", "email_verified"})],
)
def test_a_scope_that_was_not_allowed_opens_nothing(world, scout, scope, members):
    tokens = world.grant(scout, scope=scope, resource=None)
    assert ask(world, tokens["access_token"]).json().keys() == members


@spec("RFC 6750", "3")
def test_without_a_token_the_challenge_names_no_error(world):
    challenge = refused(world, ask(world, ""))
    assert challenge.startswith("Bearer realm=")
    assert "error" not in challenge


@spec("RFC 6750", "3.1")
@pytest.mark.parametrize("token", ["x", "eyJhbGciOiJub25lIn0.e30.", "a.b.c", "x" * 9000])
def test_a_forged_token_is_an_invalid_token(world, token):
    with leaves_only(world):
        response = ask(world, token)
    assert 'error="invalid_token"' in refused(world, response)


@spec("RFC 6750", "2.1")
def test_a_token_is_read_from_the_header_alone(world, tokens):
    token = tokens["access_token"]
    refused(world, world.http.get(world.url("/userinfo"), params={"access_token": token}))
    refused(world, world.http.post(world.url("/userinfo"), data={"access_token": token}))
    refused(world, world.http.get(world.url("/userinfo"), headers={"Authorization": f"Basic {token}"}))


@spec("RFC 6750", "3.1")
@pytest.mark.parametrize("kind", ["id_token", "refresh_token"])
def test_other_kinds_of_tokens_are_no_access_tokens(world, scout, kind):
    tokens = world.grant(scout, scope="openid offline_access", resource=None)
    refused(world, ask(world, tokens[kind]))


@spec("RFC 9700", "2.3")
def test_a_token_for_another_audience_is_refused(world, scout, tokens):
    other = world.grant(scout, scope="openid events:read")
    assert ask(world, tokens["access_token"]).status_code == 200
    refused(world, ask(world, other["access_token"]))
    refused(world, ask(world, world.own_token(world.worker()).json()["access_token"]))


@spec("OIDC Core", "5.3.3")
@pytest.mark.parametrize("how", ["delegation", "member", "token", "expired"])
def test_a_token_is_over_as_soon_as_what_it_hangs_on_is(world, tokens, how):
    with context.use(world.tenant):
        if how == "delegation":
            delegation_actions.revoke(world.delegations()[0], by=SYSTEM, reason="test")
        elif how == "member":
            tenant_actions.suspend_member(world.people["alice"], by=SYSTEM, reason="test")
        elif how == "token":
            AccessToken.objects.update(revoked_at=timezone.now())
        else:
            AccessToken.objects.update(expires=timezone.now())
    refused(world, ask(world, tokens["access_token"]))


@spec("OIDC Core", "5.3.1")
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_userinfo_is_asked_by_get_or_post(world, tokens, method):
    response = ask(world, tokens["access_token"], method)
    refused(world, response, "invalid_request", 405)
    assert response.headers["allow"] == "GET, POST"


@spec("OIDC Core", "5.3.2")
def test_the_subject_is_the_one_of_the_id_token(world, tokens):
    assert ask(world, tokens["access_token"]).json()["sub"] == claims(tokens["id_token"])["sub"]
