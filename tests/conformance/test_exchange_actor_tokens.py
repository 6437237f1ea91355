"""Who proves that it acts: actor tokens, who must bring one, and who appears as the person (RFC 8693 §2.1)."""

import time
from functools import partial

import pytest

from agents import switches
from agents.models import Client
from audit.events import Event
from audit.principals import SYSTEM
from delegations import actions as delegation_actions
from kit import context
from kit.oauth import TokenType
from tests.harness import chain as chains
from tests.harness.footprint import events
from tests.harness.keyholder import Keyholder
from tests.harness.world import claims
from tests.spec import spec

ACCESS_TOKEN, JWT = TokenType.ACCESS_TOKEN.value, TokenType.JWT.value


@pytest.fixture
def chain(world):
    """A planner of alice's that may hand part of its work to a helper."""
    return chains.make(world)


def own_token(world, who):
    """Return the token of an agent for itself."""
    with context.use(world.tenant):
        delegation_actions.allow_agent(who.client, world.calendar, frozenset({"events:read"}), by=SYSTEM)
    return world.own_token(who).json()["access_token"]


def appears_as(world, who, actor):
    with context.use(world.tenant):
        switches.set_exchange_actor(who.client, actor, by=SYSTEM)


@pytest.fixture
def keys(chain, world):
    """The helper's key, beside its secret."""
    holder = Keyholder(chain.agents[1].id)
    world.rewrite(chain.agents[1].client, jwks=holder.jwks)
    return holder


def ask(world, chain, actor_token, kind=ACCESS_TOKEN):
    proof = {"actor_token": actor_token, "actor_token_type": kind}
    return world.exchange(chain.agents[1], chain.tokens[0], **proof)


@spec("RFC 8693", "2.1")
def test_the_own_token_of_the_client_s_agent_proves_who_acts(world, chain):
    helper = chain.agents[1]
    answer = ask(world, chain, own_token(world, helper))
    assert answer.status_code == 200, answer.text
    assert claims(answer.json()["access_token"])["act"] == chains.acting(world, *chain.agents)


@spec("RFC 8693", "2.1")
@pytest.mark.parametrize("typ", ["JWT", None])
def test_a_jwt_that_the_client_signed_proves_who_acts_once(world, chain, keys, typ):
    proof = keys.assertion(world, sub=chain.agents[1].client.agent_id, header={"typ": typ} if typ else {})
    answer = ask(world, chain, proof, JWT)
    assert answer.status_code == 200, answer.text
    assert claims(answer.json()["access_token"])["act"] == chains.acting(world, *chain.agents)
    reason = chains.assert_refuses(world, lambda: ask(world, chain, proof, JWT))
    assert "came again" in reason


@spec("RFC 8693", "2.1")
def test_one_claim_of_it_that_is_wrong_is_enough_to_refuse_it(world, elsewhere, chain, keys):
    planner, helper = chain.agents
    agent_id, now = helper.client.agent_id, int(time.time())
    changes = [
        {"sub": helper.id}, {"sub": planner.client.agent_id}, {"sub": None}, {"sub": world.people["alice"].pk},
        {"iss": planner.id}, {"iss": agent_id}, {"iss": world.tenant.issuer}, {"aud": world.url("/token")},
        {"aud": elsewhere.tenant.issuer}, {"aud": [world.tenant.issuer, elsewhere.tenant.issuer]}, {"aud": None},
        {"exp": now - 120}, {"exp": now + 3600}, {"exp": None}, {"jti": None}, {"jti": ""}, {"jti": "j" * 256},
        {"header": {"typ": "client-authentication+jwt"}}, {"header": {"typ": "at+jwt"}}, {"header": {"kid": "other"}},
    ]  # fmt: skip
    for each in changes:
        proof = keys.assertion(world, **{"sub": agent_id, **each})
        chains.assert_refuses(world, lambda it=proof: ask(world, chain, it, JWT))
    assert ask(world, chain, keys.assertion(world, sub=agent_id), JWT).status_code == 200


@spec("RFC 8693", "2.1")
def test_a_client_assertion_proves_the_client_and_no_actor_nor_the_other_way_about(world, chain, keys):
    chains.assert_refuses(world, lambda: ask(world, chain, keys.assertion(world), JWT))
    forger = Keyholder(keys.id)
    stranger = forger.assertion(world, sub=chain.agents[1].client.agent_id)
    chains.assert_refuses(world, lambda: ask(world, chain, stranger, JWT))


@spec("RFC 8693", "2.1")
def test_an_actor_token_of_somebody_else_or_of_somebody_for_whom_another_acts_is_refused(world, elsewhere, chain, keys):
    helper = chain.agents[1]
    own, other = own_token(world, helper), world.helper("Other")
    chain.hand_on()
    signed = keys.assertion(world, sub=helper.client.agent_id)
    foreign = own_token(elsewhere, elsewhere.helper())
    for token in (own_token(world, other), chain.tokens[0], chain.tokens[1], foreign, signed, own[:-4], "x"):
        chains.assert_refuses(world, lambda it=token: ask(world, chain, it))
    for kind in (JWT, TokenType.ID_TOKEN.value, TokenType.REFRESH_TOKEN.value, "access_token"):
        chains.assert_refuses(world, lambda it=kind: ask(world, chain, own, it))
    assert ask(world, chain, own).status_code == 200
    world.revoke(helper, own)
    chains.assert_refuses(world, lambda: ask(world, chain, own))


@spec("RFC 8693", "2.1")
def test_actor_token_and_its_type_come_together(world, chain):
    own = own_token(world, chain.agents[1])
    for missing in ("actor_token", "actor_token_type"):
        for absent in (None, ""):
            proof = {"actor_token": own, "actor_token_type": ACCESS_TOKEN, missing: absent}
            chains.assert_refuses(world, partial(world.exchange, chain.agents[1], chain.tokens[0], **proof))


@spec("RFC 8693", "2.1")
def test_a_client_that_must_prove_its_actor_each_time_is_refused_without_from_the_next_request_on(world, chain):
    own = own_token(world, chain.agents[1])
    assert world.exchange(chain.agents[1], chain.tokens[0]).status_code == 200
    appears_as(world, chain.agents[1], Client.ExchangeActor.TOKEN)
    chains.assert_refuses(world, lambda: world.exchange(chain.agents[1], chain.tokens[0]))
    assert ask(world, chain, own).status_code == 200


# --- nobody acts


@spec("RFC 8693", "1.1")
def test_impersonation_takes_an_admin_s_hand_and_has_a_name_of_its_own_in_the_ledger(world, chain):
    helper = chain.agents[1]
    assert "act" in claims(world.exchange(helper, chain.tokens[0]).json()["access_token"])
    appears_as(world, helper, Client.ExchangeActor.NONE)
    before = events(world)
    token = world.exchange(helper, chain.tokens[0]).json()["access_token"]
    assert events(world)[len(before) :] == [Event.TOKEN_IMPERSONATED]
    (entry,) = world.entries(Event.TOKEN_IMPERSONATED)
    assert (entry.on_behalf_of, entry.through) == (world.people["alice"].pk, helper.client.agent_id)
    said = world.introspect(helper, token)
    assert (said["sub"], said["client_id"]) == (world.people["alice"].pk, helper.id)
    assert "act" not in said
    assert said == {"active": True, "token_type": "Bearer", **claims(token)}
    (changed,) = world.entries(Event.CLIENT_ACTOR_CHANGED)
    assert changed.detail == {"exchange_actor": "none"}


@spec("RFC 8693", "2.1")
def test_who_appears_as_the_person_has_no_actor_to_prove(world, chain):
    own = own_token(world, chain.agents[1])
    appears_as(world, chain.agents[1], Client.ExchangeActor.NONE)
    chains.assert_refuses(world, lambda: ask(world, chain, own))
    assert world.exchange(chain.agents[1], chain.tokens[0]).status_code == 200


@spec("RFC 8693", "4.1")
def test_what_an_impersonator_hands_on_says_who_it_was(world):
    chain = chains.make(world, 2)
    appears_as(world, chain.agents[1], Client.ExchangeActor.NONE)
    chain.hand_on()
    chain.hand_on()
    assert "act" not in claims(chain.tokens[1])
    assert world.introspect(chain.agents[2], chain.tokens[2])["act"] == chains.acting(world, *chain.agents)


@spec("RFC 8693", "2.1")
def test_a_token_in_which_an_agent_appeared_as_the_person_does_not_prove_that_it_acts(world, chain):
    helper = chain.agents[1]
    appears_as(world, helper, Client.ExchangeActor.NONE)
    hidden = world.exchange(helper, chain.tokens[0]).json()["access_token"]
    appears_as(world, helper, Client.ExchangeActor.CLIENT)
    assert "act" in claims(world.exchange(helper, chain.tokens[0]).json()["access_token"])
    assert "another agent" in chains.assert_refuses(world, lambda: ask(world, chain, hidden))
