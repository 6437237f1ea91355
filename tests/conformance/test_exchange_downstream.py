"""Behind a resource server: its own agent reaches another one for whoever called it, along an admin's edge."""

from functools import partial

import pytest

from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tenants import resources as tenant_resources
from tests.harness import chain as chains
from tests.harness.world import claims
from tests.spec import spec


@pytest.fixture
def chain(world):
    """A planner of alice's that may hand part of its work to a helper."""
    return chains.make(world)


@pytest.fixture
def token(chain):
    return chain.tokens[0]


def draw(world, upstream, downstream, opened):
    """Let each scope at one server stand for one at the other."""
    with context.use(world.tenant):
        named = {scope: [each] for scope, each in opened.items()}
        tenant_resources.allow_downstream(upstream, downstream, named, by=SYSTEM)


@pytest.fixture
def gateway(world):
    """The calendar's own agent: it may reach notes for whoever may read events."""
    gateway = world.helper("Calendar agent", resource_server=world.calendar)
    draw(world, world.calendar, world.notes, {"events:read": "notes:read", "events:write": "notes:write"})
    return gateway


@spec("RFC 8693", "1")
def test_a_resource_server_s_agent_gets_behind_it_what_the_caller_s_scopes_stand_for(world, gateway, chain, token):
    answer = world.exchange(gateway, token, resource=world.notes.identifier)
    assert answer.status_code == 200, answer.text
    found = claims(answer.json()["access_token"])
    assert (found["aud"], found["scope"]) == (world.notes.identifier, "notes:read")
    assert found["sub"] == world.people["alice"].pk
    assert found["act"] == chains.acting(world, chain.agents[0], gateway)
    for wider in ("notes:write", "events:read"):
        ask = partial(world.exchange, gateway, token, resource=world.notes.identifier, scope=wider)
        chains.assert_refuses(world, ask, "invalid_scope")
    contacts = world.exchange(chain.agents[0], token, scope="contacts:read").json()["access_token"]
    ask = partial(world.exchange, gateway, contacts, resource=world.notes.identifier)
    chains.assert_refuses(world, ask, "invalid_scope")


@spec("RFC 8693", "5")
def test_along_an_edge_goes_only_its_own_agent_and_only_one_way(world, gateway, chain, token):
    ask = partial(world.exchange, gateway, token)
    chains.assert_refuses(world, ask)  # At the calendar itself it is nobody's helper.
    for target in (world.tenant.issuer, world.tenant.api_identifier, "https://nobody.example"):
        chains.assert_refuses(world, partial(ask, resource=target), "invalid_target")
    stranger = world.helper("Stranger")
    chains.assert_refuses(world, partial(world.exchange, stranger, token, resource=world.notes.identifier))
    behind = ask(resource=world.notes.identifier).json()["access_token"]
    back = world.helper("Notes agent", resource_server=world.notes)
    chains.assert_refuses(
        world, partial(world.exchange, back, behind, resource=world.calendar.identifier), "invalid_target"
    )


@spec("RFC 8693", "5")
def test_an_edge_that_was_taken_away_leads_nowhere_in_the_next_request(world, gateway, token):
    ask = partial(world.exchange, gateway, token, resource=world.notes.identifier)
    assert ask().status_code == 200
    with context.use(world.tenant):
        tenant_resources.forbid_downstream(world.calendar, world.notes, by=SYSTEM)
    chains.assert_refuses(world, ask, "invalid_target")


@spec("RFC 8693", "5")
def test_an_edge_leads_nowhere_where_the_tenant_lets_nobody_hand_on(world, gateway, token):
    ask = partial(world.exchange, gateway, token, resource=world.notes.identifier)
    assert ask().status_code == 200
    tenant_actions.change_policy(world.tenant, by=SYSTEM, handing_on="off")
    chains.assert_refuses(world, ask)


@spec("RFC 8693", "5")
def test_a_resource_server_s_agent_gets_nothing_at_the_server_itself_by_the_tenant_s_policy(world, gateway):
    tenant_actions.change_policy(world.tenant, by=SYSTEM, handing_on="policy")
    chain = chains.make(world)
    ask = partial(world.exchange, gateway, chain.tokens[0])
    chains.assert_refuses(world, ask)
    assert ask(resource=world.notes.identifier).status_code == 200


@spec("RFC 8693", "4.1")
def test_along_edges_nobody_comes_round_to_itself(world, gateway, chain):
    draw(world, world.notes, world.calendar, {"notes:read": "events:read"})
    back = world.helper("Notes agent", resource_server=world.notes)
    chain.agents[1:] = [gateway, back]
    chain.hand_on(resource=world.notes.identifier)
    chain.hand_on(resource=world.calendar.identifier)
    assert claims(chain.tokens[2])["act"] == chains.acting(world, *chain.agents)
    chains.assert_refuses(world, partial(world.exchange, gateway, chain.tokens[2], resource=world.notes.identifier))


@spec("RFC 8693", "4.1")
def test_along_edges_a_chain_gets_no_deeper_than_the_tenant_allows(world, gateway, chain):
    chain.hand_on()
    ask = partial(world.exchange, gateway, chain.tokens[1], resource=world.notes.identifier)
    assert ask().status_code == 200
    tenant_actions.change_policy(world.tenant, by=SYSTEM, deepest_chain=1)
    chains.assert_refuses(world, ask)
