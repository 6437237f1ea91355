"""JWT access tokens: the sentence as claims, signed with a published key, for one audience (RFC 9068)."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Entry
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tenants.actions import ScopeWords
from tests.harness.footprint import leaves_only
from tests.harness.wire import assert_refused, verified
from tests.harness.world import claims
from tests.spec import spec
from tokens.models import AccessToken


@pytest.fixture
def scout(world):
    return world.public_client()


@spec("RFC 9068", "2.1")
def test_the_header_says_type_algorithm_and_key_and_nothing_else(world, scout):
    header, _ = verified(world, world.grant(scout)["access_token"])
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    assert set(header) == {"typ", "alg", "kid"}


@spec("RFC 9068", "2.2")
def test_a_token_for_a_person_is_the_whole_sentence(world, scout):
    _, content = verified(world, world.grant(scout)["access_token"])
    delegation = world.delegations()[0]
    assert set(content) == {
        "iss", "sub", "client_id", "scope", "aud", "iat", "exp", "jti", "delegation_id", "act",
    }  # fmt: skip
    assert content["iss"] == world.tenant.issuer
    assert content["sub"] == world.people["alice"].pk
    assert content["client_id"] == scout.id
    assert content["scope"] == "events:read"
    assert content["delegation_id"] == delegation.pk
    assert abs(content["iat"] - time.time()) < 60


@spec("RFC 8693", "4.1")
def test_an_agent_that_acts_for_a_person_is_named_as_actor_with_its_issuer(world, scout):
    _, content = verified(world, world.grant(scout)["access_token"])
    agent = scout.client.agent
    assert content["act"] == {"iss": world.tenant.issuer, "sub": agent.pk, "sub_profile": "ai_agent"}


@spec("RFC 9068", "2.2")
def test_an_agent_that_acts_for_itself_has_no_actor(world):
    worker = world.worker()
    _, content = verified(world, world.own_token(worker).json()["access_token"])
    assert set(content) == {"iss", "sub", "client_id", "scope", "aud", "iat", "exp", "jti", "delegation_id"}
    assert content["sub"] == worker.client.agent.pk
    assert content["delegation_id"] == world.delegations()[0].pk


@spec("RFC 9068", "5")
def test_the_names_of_people_and_agents_cannot_meet(world, scout):
    person = claims(world.grant(scout)["access_token"])
    agent = claims(world.own_token(world.worker()).json()["access_token"])
    assert person["sub"].startswith("usr_")
    assert person["act"]["sub"].startswith("agt_")
    assert agent["sub"].startswith("agt_")


@spec("RFC 9068", "2.2")
def test_the_audience_is_one_string_exactly_as_it_was_registered(world, scout):
    with context.use(world.tenant):
        words = (ScopeWords("read", "Read", is_default=True),)
        odd = tenant_actions.add_resource_server("https://odd.example/A%2fb/?x=1", "Odd", words, by=SYSTEM)
    tokens = world.grant(scout, resource=odd.identifier, scope="read")
    assert verified(world, tokens["access_token"])[1]["aud"] == "https://odd.example/A%2fb/?x=1"


@spec("RFC 9068", "2.1")
def test_a_resource_server_that_says_so_gets_rs256(world, scout):
    with context.use(world.tenant):
        words = (ScopeWords("read", "Read", is_default=True),)
        old = tenant_actions.add_resource_server(
            "https://old.example", "Old", words, by=SYSTEM, signing_algorithm="RS256"
        )
    header, content = verified(world, world.grant(scout, resource=old.identifier, scope="read")["access_token"])
    assert (header["typ"], header["alg"]) == ("at+jwt", "RS256")
    assert content["aud"] == old.identifier


@spec("RFC 6749", "5.1")
def test_a_token_lives_no_longer_than_the_tenant_s_policy(world, scout):
    tenant_actions.change_policy(world.tenant, by=SYSTEM, access_token_seconds=42)
    tokens = world.grant(scout)
    _, content = verified(world, tokens["access_token"])
    assert tokens["expires_in"] == 42
    assert content["exp"] - content["iat"] == 42


@spec("RFC 6749", "5.1")
def test_a_token_lives_no_longer_than_what_it_hangs_on(world, scout):
    code, verifier = world.code(scout)
    end = timezone.now() + timedelta(seconds=30)
    world.rewrite(world.delegations()[0], expires_at=end)
    tokens = world.redeem(scout, code, verifier).json()
    _, content = verified(world, tokens["access_token"])
    assert tokens["expires_in"] == content["exp"] - content["iat"]
    assert content["exp"] <= end.timestamp()
    assert "refresh_token" not in tokens


@spec("RFC 6749", "5.1")
def test_nothing_is_minted_in_the_last_second(world, scout):
    code, verifier = world.code(scout)
    world.rewrite(world.delegations()[0], expires_at=timezone.now() + timedelta(milliseconds=900))
    assert_refused(world.redeem(scout, code, verifier), "invalid_grant")


@spec("RFC 9068", "2.2")
def test_no_two_tokens_have_the_same_id_and_the_row_says_why_it_exists(world):
    worker = world.worker()
    tokens = [claims(world.own_token(worker).json()["access_token"]) for _ in range(3)]
    assert len({content["jti"] for content in tokens}) == 3
    with context.use(world.tenant):
        row = AccessToken.objects.get(pk=tokens[0]["jti"])
        entry = Entry.objects.get(about_id=row.pk)
    assert (row.subject, row.audience, row.scope) == (tokens[0]["sub"], tokens[0]["aud"], tokens[0]["scope"])
    assert int(row.expires.timestamp()) >= tokens[0]["exp"]
    assert entry.detail["delegation"] == tokens[0]["delegation_id"]


@spec("RFC 8707", "2")
def test_two_audiences_are_never_put_into_one_token(world, scout):
    both = [world.calendar.identifier, world.notes.identifier]
    code, verifier = world.code(scout, scope="events:read notes:read", resource=both)
    with leaves_only(world, "token.refused"):
        assert_refused(world.redeem(scout, code, verifier, resource=both), "invalid_target")


@spec("RFC 9068", "4")
def test_a_token_for_another_resource_opens_no_endpoint_of_ours(world, scout):
    bearer = {"Authorization": f"Bearer {world.grant(scout)['access_token']}"}
    with leaves_only(world):
        for path in ("/userinfo", "/api/v1/self"):
            answer = world.http.get(world.url(path), headers=bearer)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer ")


@spec("RFC 9068", "4")
def test_a_token_for_our_own_api_opens_it_and_a_token_of_another_tenant_does_not(world, elsewhere, scout):
    def token(place):
        client = place.public_client()
        return place.grant(client, resource=place.tenant.api_identifier, scope="self:read")["access_token"]

    mine, foreign = token(world), token(elsewhere)
    answers = [
        world.http.get(world.url("/api/v1/self"), headers={"Authorization": f"Bearer {each}"}).status_code
        for each in (mine, foreign)
    ]
    assert answers == [200, 401]


@spec("RFC 9068", "5")
def test_the_keys_of_two_tenants_are_disjoint(world, elsewhere):
    kids = [
        {key["kid"] for key in place.http.get(place.url("/jwks.json")).json()["keys"]} for place in (world, elsewhere)
    ]
    assert all(kids)
    assert not kids[0] & kids[1]
