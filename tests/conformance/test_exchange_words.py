"""Words that were taken back hand nothing on any more, and what stands in a refusal's reason is no secret."""

from functools import partial

import pytest

from agents import handovers
from audit.principals import SYSTEM
from kit import context
from tenants import resources as tenant_resources
from tests.harness import chain as chains
from tests.spec import spec


@spec("RFC 8693", "1.1")
def test_what_was_handed_on_gets_no_new_token_once_the_handover_was_taken_back(world):
    chain = chains.handed_on(world, 2)
    with context.use(world.tenant):
        handovers.forbid_handover(chain.agents[0].client.agent, chain.agents[1].client.agent, by=SYSTEM)
    chains.assert_refuses(world, partial(world.exchange, chain.agents[1], chain.tokens[0]))
    chains.assert_refuses(world, partial(world.exchange, chain.agents[1], chain.tokens[1]))
    chains.assert_refuses(world, partial(world.exchange, chain.agents[2], chain.tokens[1]))
    chains.assert_refuses(world, partial(world.exchange, chain.agents[2], chain.tokens[2]))


@spec("RFC 8693", "5")
def test_what_was_made_along_an_edge_gets_no_new_token_once_the_edge_was_taken_away(world):
    gateway = world.helper("Calendar agent", resource_server=world.calendar)
    with context.use(world.tenant):
        tenant_resources.allow_downstream(world.calendar, world.notes, {"events:read": ["notes:read"]}, by=SYSTEM)
    chain = chains.make(world)
    behind = world.exchange(gateway, chain.tokens[0], resource=world.notes.identifier).json()["access_token"]
    with context.use(world.tenant):
        tenant_resources.forbid_downstream(world.calendar, world.notes, by=SYSTEM)
    chains.assert_refuses(world, partial(world.exchange, gateway, behind))


@spec("RFC 6749", "10.3")
@pytest.mark.parametrize(
    "place", ["resource", "audience", "scope", "subject_token_type", "requested_token_type", "actor_token_type"]
)
@pytest.mark.parametrize("kind", ["refresh token", "opaque token"])
def test_a_token_in_the_wrong_parameter_stands_in_no_reason(world, place, kind):
    vault = chains.add_server(world, "vault", "notes:read", token_format="opaque")
    chain = chains.make(world, server=vault, scope="notes:read")
    token = chain.tokens[0] if kind == "opaque token" else chain.granted["refresh_token"]
    beside = {"actor_token": chain.tokens[0]} if place == "actor_token_type" else {}
    world.exchange(chain.agents[1], chain.tokens[0], **beside, **{place: token})
    assert [entry.reason for entry in world.entries("token.refused") if token in entry.reason] == []
