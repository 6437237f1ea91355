"""Lineage: for a delegation or a token, the way from the consent, and what was lost at each hop."""

import pytest

from tests.conformance.test_api import ABSENT, api_token, call, problem
from tests.harness.world import claims
from tests.spec import spec


@pytest.fixture
def chain(world):
    """A planner that alice let act, a summariser that it hands part to, and a reader below that."""
    planner, summariser, reader = world.secret_client("Planner"), world.helper("Summariser"), world.helper("Reader")
    world.let_hand_on(planner, summariser, reader)
    return planner, summariser, reader


@pytest.fixture
def tokens(world, chain):
    planner, summariser, reader = chain
    wide = "events:read events:write contacts:read"
    tick = [f"{world.calendar.pk} {scope}" for scope in wide.split()]
    first = world.grant(planner, scope=wide, tick=tick)["access_token"]
    second = world.exchange(summariser, first, scope="events:read contacts:read").json()["access_token"]
    third = world.exchange(reader, second, scope="events:read").json()["access_token"]
    return first, second, third


def ids(tokens):
    return [claims(token)["delegation_id"] for token in tokens]


@spec("RFC 8693", "4.1")
def test_a_delegation_s_lineage_is_its_hops_and_the_parts_below_it(world, chain, tokens):
    planner = chain[0]
    found = call(world, api_token(world, planner), f"/delegations/{ids(tokens)[0]}/lineage").json()
    assert found["subject"] == world.people["alice"].pk
    assert found["origin"] == "consent"
    assert found["consent"].startswith("con_")
    (hop,) = found["hops"]
    assert (hop["agent_name"], hop["state"], hop["lost"], "parent" in hop) == ("Planner", "live", [], False)
    assert [(part["agent_name"], part["lost"], part["parent"]) for part in found["parts"]] == [
        ("Summariser", ["events:write"], ids(tokens)[0]),
        ("Reader", ["contacts:read"], ids(tokens)[1]),
    ]


@spec("RFC 8693", "4.1")
def test_a_token_s_lineage_is_every_token_it_was_exchanged_from(world, chain, tokens):
    """Alice's planner asks about its own; what others hold below it is their own affair."""
    planner = chain[0]
    narrowed = world.exchange(planner, tokens[0], scope="events:read")
    assert narrowed.json()["error"] == "unauthorized_client"  # It registered itself, without the exchange.
    own = api_token(world, planner)
    found = call(world, own, f"/tokens/{claims(tokens[0])['jti']}/lineage").json()
    assert [step["jti"] for step in found["tokens"]] == [claims(tokens[0])["jti"]]
    problem(call(world, own, f"/tokens/{claims(tokens[2])['jti']}/lineage"), *ABSENT)


def test_a_helper_sees_the_hops_above_its_part(world, chain, tokens):
    reader = chain[2]
    own = world.own_api_token(reader)
    problem(call(world, own, f"/delegations/{ids(tokens)[0]}/lineage"), *ABSENT)
    found = call(world, own, f"/delegations/{ids(tokens)[2]}/lineage").json()
    assert [(hop["agent_name"], hop["lost"]) for hop in found["hops"]] == [
        ("Planner", []),
        ("Summariser", ["events:write"]),
        ("Reader", ["contacts:read"]),
    ]
    assert found["parts"] == []
    steps = call(world, own, f"/tokens/{claims(tokens[2])['jti']}/lineage").json()["tokens"]
    assert [(step["jti"], step["lost"]) for step in steps] == [
        (claims(tokens[0])["jti"], []),
        (claims(tokens[1])["jti"], ["events:write"]),
        (claims(tokens[2])["jti"], ["contacts:read"]),
    ]


def test_another_tenant_s_lineage_is_absent(world, elsewhere, tokens):
    stranger = elsewhere.public_client()
    own = api_token(elsewhere, stranger)
    problem(call(elsewhere, own, f"/delegations/{ids(tokens)[0]}/lineage"), *ABSENT)
    problem(call(elsewhere, own, f"/tokens/{claims(tokens[0])['jti']}/lineage"), *ABSENT)
