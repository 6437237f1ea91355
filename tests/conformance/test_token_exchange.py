"""Token exchange: an agent hands part of what a person lets it do to another agent (RFC 8693)."""

import pytest

from kit.oauth import TokenType
from tests.harness.world import claims
from tests.spec import spec


@pytest.fixture
def summariser(world):
    return world.helper("Summariser")


@pytest.fixture
def planner(world, summariser):
    """An agent of alice's that may hand part of its work to the summariser."""
    planner = world.secret_client("Planner")
    world.let_hand_on(planner, summariser)
    return planner


@pytest.fixture
def token(world, planner):
    granted = world.grant(planner, scope="events:read contacts:read", tick=[f"{world.calendar.pk} contacts:read"])
    return granted["access_token"]


@spec("RFC 8693", "2.2.1")
def test_a_named_agent_gets_a_part_for_the_same_person(world, summariser, token):
    answer = world.exchange(summariser, token, scope="events:read")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["issued_token_type"] == TokenType.ACCESS_TOKEN
    assert body["token_type"] == "Bearer"
    assert body["scope"] == "events:read"
    assert "refresh_token" not in body
    before, after = claims(token), claims(body["access_token"])
    assert after["sub"] == before["sub"]
    assert after["aud"] == before["aud"]
    assert after["client_id"] == summariser.id
    assert after["exp"] <= before["exp"]
    assert after["act"] == {
        "iss": world.tenant.issuer,
        "sub": summariser.client.agent_id,
        "sub_profile": "ai_agent",
        "act": before["act"],
    }
    assert before["may_act"] == {"iss": world.tenant.issuer, "sub": summariser.client.agent_id}
    assert "may_act" not in after
    assert world.is_active(body["access_token"])
