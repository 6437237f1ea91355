"""What an end does in a chain: everything below is refused in the very next request, everything beside lives on."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from agents import actions as agent_actions
from audit.events import Event
from audit.principals import SYSTEM
from kit import context
from kit.oauth import GrantType
from tenants import actions as tenant_actions
from tests.harness import chain as chains
from tests.harness.footprint import events, leaves_only
from tests.harness.world import claims
from tests.spec import spec
from tokens import actions as token_actions

HOPS = 4


def end_delegation(chain, place):
    token_actions.end_delegation(chain.delegation(place), by=SYSTEM, reason="enough")


def let_it_run_out(chain, place):
    chain.world.rewrite(chain.delegation(place), expires_at=timezone.now() - timedelta(seconds=1))


def suspend_agent(chain, place):
    agent_actions.suspend_agent(chain.agents[place].client.agent, by=SYSTEM, reason="strange")


def disable_client(chain, place):
    agent_actions.disable_client(chain.agents[place].client, by=SYSTEM, reason="lost")


def suspend_member(chain, place):
    tenant_actions.suspend_member(chain.world.people["alice"], by=SYSTEM, reason="left")


def switch_the_person_off(chain, place):
    chain.world.people["alice"].user.is_active = False
    chain.world.people["alice"].user.save()


def revoke_the_family(chain, place):
    chain.world.revoke(chain.agents[0], chain.granted["refresh_token"])


def revoke_the_token(chain, place):
    chain.world.revoke(chain.agents[place], chain.tokens[place])


ENDS = [
    *((end, place) for end in (end_delegation, suspend_agent, disable_client) for place in (0, 2, HOPS)),
    *((end, place) for end in (let_it_run_out, revoke_the_token) for place in (0, 2)),
    *((end, 0) for end in (suspend_member, switch_the_person_off, revoke_the_family)),
]


@spec("RFC 8693", "1.1")
@pytest.mark.parametrize(("end", "first"), ENDS, ids=lambda value: getattr(value, "__name__", value))
def test_from_an_end_on_everything_below_it_is_refused_and_what_is_above_goes_on(world, end, first):
    chain = chains.handed_on(world, HOPS)
    assert [world.is_active(token) for token in chain.tokens] == [True] * (HOPS + 1)
    with context.use(world.tenant):
        end(chain, first)
    assert [world.is_active(token) for token in chain.tokens] == [place < first for place in range(HOPS + 1)]
    for place, token in enumerate(chain.tokens):
        narrowed = world.exchange(chain.agents[place], token)
        assert (narrowed.status_code == 200) == (place < first), narrowed.text
        if place >= first and place < HOPS:
            handed_on = world.exchange(chain.agents[place + 1], token)
            assert handed_on.json()["error"] in {"invalid_request", "invalid_client"}
    assert (world.refresh(chain.agents[0], chain.granted["refresh_token"]).status_code == 200) == (first > 0)


@spec("RFC 8693", "2.2.2")
def test_what_is_refused_because_of_an_end_leaves_one_entry_and_no_part(world):
    chain = chains.handed_on(world, 2)
    with context.use(world.tenant):
        end_delegation(chain, 1)
    for who, token in ((1, 1), (2, 1), (2, 2)):
        chains.assert_refuses(world, partial(world.exchange, chain.agents[who], chain.tokens[token]))
    (entry,) = world.entries(Event.DELEGATION_ENDED)
    assert entry.detail["receipt"]["delegations_ended"] == 2


@spec("RFC 8693", "1.1")
def test_of_a_suspended_tenant_nothing_is_good_any_more(world):
    chain = chains.handed_on(world, HOPS)
    tenant_actions.suspend_tenant(world.tenant, by=SYSTEM, reason="unpaid")
    for who, token in zip(chain.agents, chain.tokens, strict=True):
        answer = world.http.post(world.url("/introspect"), data={"token": token}, auth=who.basic)
        assert (answer.status_code, answer.json().get("active")) in {(200, False), (404, None)}
        assert world.exchange(who, token).status_code in {400, 404}


@spec("RFC 8693", "1.1")
def test_a_paused_agent_in_the_middle_takes_its_part_up_again_with_the_tokens_that_were(world):
    chain = chains.handed_on(world, 2)
    with context.use(world.tenant):
        suspend_agent(chain, 1)
        assert [world.is_active(token) for token in chain.tokens] == [True, False, False]
        agent_actions.resume_agent(chain.agents[1].client.agent, by=SYSTEM)
    assert [world.is_active(token) for token in chain.tokens] == [True, True, True]
    assert world.exchange(chain.agents[2], chain.tokens[1]).status_code == 200


@spec("RFC 8693", "1.1")
def test_a_sibling_and_what_hangs_on_it_live_on(world):
    other = world.helper("Translator")
    chain = chains.make(world, 2, named=[other])
    chain.hand_on()
    chain.hand_on()
    beside = world.exchange(other, chain.tokens[0]).json()["access_token"]
    with context.use(world.tenant):
        end_delegation(chain, 1)
    assert [world.is_active(token) for token in (*chain.tokens, beside)] == [True, False, False, True]
    assert world.exchange(other, chain.tokens[0]).status_code == 200
    assert world.exchange(other, beside).status_code == 200


# --- what was ended comes back by the person's word alone


@spec("RFC 8693", "1.1")
@pytest.mark.parametrize("place", [1, 2])
def test_a_part_that_was_ended_is_not_made_again_until_the_person_agrees_anew(world, place):
    chain = chains.handed_on(world, 2)
    ask = partial(world.exchange, chain.agents[place], chain.tokens[place - 1])
    with context.use(world.tenant):
        end_delegation(chain, place)
    chains.assert_refuses(world, ask)
    chains.assert_refuses(world, partial(ask, scope="events:read"))
    ended, before = chain.delegation(place), events(world)
    chains.allow(world, chain.agents[0], prompt="consent")
    answer = ask()
    assert answer.status_code == 200, answer.text
    assert events(world)[-2:] == [Event.DELEGATION_HANDED_ON, Event.TOKEN_ISSUED]
    assert len(events(world)) > len(before)
    assert chain.delegation(place).pk != ended.pk
    assert not world.is_active(chain.tokens[place])


@spec("RFC 8693", "1.1")
def test_the_agent_that_handed_on_cannot_bring_an_ended_part_back_by_a_fresh_token(world):
    chain = chains.handed_on(world, 1)
    with context.use(world.tenant):
        end_delegation(chain, 1)
    for fresh in (
        world.refresh(chain.agents[0], chain.granted["refresh_token"]).json()["access_token"],
        world.exchange(chain.agents[0], chain.tokens[0], scope="events:read").json()["access_token"],
        world.grant(chain.agents[0])["access_token"],  # The consent is remembered: nobody is asked.
    ):
        chains.assert_refuses(world, partial(world.exchange, chain.agents[1], fresh))


@spec("RFC 8693", "1.1")
def test_a_part_that_only_ran_out_is_made_again_as_long_as_its_parent_lives(world):
    chain = chains.handed_on(world, 1)
    before = chain.delegation(1)
    world.rewrite(before, expires_at=timezone.now() - timedelta(seconds=1))
    assert not world.is_active(chain.tokens[1])
    told = events(world)
    assert world.exchange(chain.agents[1], chain.tokens[0]).status_code == 200
    assert events(world)[len(told) :] == [Event.DELEGATION_EXPIRED, Event.DELEGATION_HANDED_ON, Event.TOKEN_ISSUED]
    assert chain.delegation(1).pk != before.pk
    assert not world.is_active(chain.tokens[1])


@spec("RFC 8693", "1.1")
def test_after_a_new_consent_nothing_of_the_ended_root_s_chain_comes_back(world):
    chain = chains.handed_on(world, 2)
    with context.use(world.tenant):
        end_delegation(chain, 0)
    again = chains.allow(world, chain.agents[0])["access_token"]
    assert [world.is_active(token) for token in chain.tokens] == [False] * 3
    for place in (1, 2):
        chains.assert_refuses(world, partial(world.exchange, chain.agents[place], chain.tokens[place - 1]))
    assert world.exchange(chain.agents[1], again).status_code == 200


# --- giving a token back


@spec("RFC 7009", "2.1")
@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
def test_a_revoked_token_takes_what_was_exchanged_from_it_along_and_nothing_above(world, token_format):
    vault = chains.add_server(world, "vault", "notes:read", token_format=token_format)
    chain = chains.handed_on(world, 3, server=vault, scope="notes:read")
    beside = world.exchange(chain.agents[1], chain.tokens[0]).json()["access_token"]
    reader, before = world.introspector(vault), events(world)
    assert world.revoke(chain.agents[1], chain.tokens[1]).status_code == 200
    assert events(world)[len(before) :] == [Event.TOKEN_REVOKED]
    alive = [world.introspect(reader, token)["active"] for token in (*chain.tokens, beside)]
    assert alive == [True, False, False, False, True]
    assert [each.ended_at for each in world.delegations()] == [None] * 4
    refreshed = world.refresh(chain.agents[0], chain.granted["refresh_token"])
    assert refreshed.status_code == 200
    assert world.exchange(chain.agents[1], refreshed.json()["access_token"]).status_code == 200


@spec("RFC 7009", "2.1")
def test_a_narrowed_token_ends_alone_and_the_one_it_came_from_ends_the_family(world):
    chain = chains.make(world)
    planner, wide = chain.agents[0], chain.tokens[0]
    narrow, other = (world.exchange(planner, wide, scope="events:read").json()["access_token"] for _ in range(2))
    world.revoke(planner, narrow)
    assert [world.is_active(each) for each in (narrow, other, wide)] == [False, True, True]
    world.revoke(planner, wide)
    assert [world.is_active(each) for each in (other, wide)] == [False, False]
    assert world.refresh(planner, chain.granted["refresh_token"]).status_code == 400


@spec("RFC 7009", "2.1")
def test_nobody_revokes_what_another_agent_of_the_chain_holds(world):
    chain = chains.handed_on(world, 2)
    with leaves_only(world):
        for who, token in ((0, 1), (2, 1), (1, 0), (1, 2)):
            assert world.revoke(chain.agents[who], chain.tokens[token]).status_code == 200
    assert [world.is_active(token) for token in chain.tokens] == [True] * 3


@spec("RFC 7009", "2.1")
def test_the_own_token_of_an_agent_takes_along_what_others_got_of_it(world):
    worker, helper = world.worker(), world.helper()
    world.let_hand_on(worker, helper)
    first, second = (world.own_token(worker).json()["access_token"] for _ in range(2))
    parts = [world.exchange(helper, token).json()["access_token"] for token in (first, second)]
    assert claims(parts[0])["delegation_id"] == claims(parts[1])["delegation_id"]
    assert GrantType.CLIENT_CREDENTIALS in worker.client.grant_types
    world.revoke(worker, first)
    assert [world.is_active(token) for token in (first, parts[0], second, parts[1])] == [False, False, True, True]
