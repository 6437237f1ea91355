"""The pages of one agent: its live tokens, without one, and what it did; the same over the API."""

import pytest

from agents import actions as agent_actions
from audit.principals import SYSTEM
from delegations.rules import Limits
from kit import context
from tests.conformance.test_resources_api import asker
from tests.harness import chain as chains
from tests.harness.world import claims
from tests.spec import spec
from tokens import narrowing

READ, WRITE = "events:read", "events:write"


@pytest.fixture
def chain(world):
    return chains.handed_on(world, 1, scope=f"{READ} {WRITE}")


def jti(token):
    return claims(token)["jti"]


def path_of(chain, place, tab):
    return f"/console/agents/{chain.agents[place].client.agent_id}/{tab}"


def listed(world, ask, chain, place):
    answer = ask("GET", f"/agents/{chain.agents[place].client.agent_id}/tokens")
    assert answer.status_code == 200, answer.text
    return {each["jti"]: each for each in answer.json()["tokens"]}


@spec("RFC 7662", "2.2")
def test_the_tokens_of_an_agent_are_those_that_introspection_calls_active_and_none_is_shown(world, chain):
    ask, ada = asker(world, "ada", "agents:read"), world.browser("ada")
    root, part = (chain.delegation(place) for place in (0, 1))
    gone = world.exchange(chain.agents[1], chain.tokens[0]).json()["access_token"]
    world.revoke(chain.agents[1], gone)
    found = listed(world, ask, chain, 1)
    assert found.keys() == {jti(chain.tokens[1])}
    (token,) = found.values()
    assert token["subject"] == world.people["alice"].pk
    assert (token["delegation"], token["depth"], token["exchanged_from"]) == (part.pk, 1, jti(chain.tokens[0]))
    with context.use(world.tenant):
        narrowing.narrow_delegation(root, Limits(frozenset({READ})), by=SYSTEM, reason="less will do")
    assert listed(world, ask, chain, 1)[jti(chain.tokens[1])]["scopes"] == [READ]
    page = ada.go(world.url(path_of(chain, 1, "tokens")))
    words = ada.words()
    assert f"…{jti(chain.tokens[1])[-8:]}" in words
    assert f"…{jti(gone)[-8:]}" not in words
    assert "Alice" in words
    assert "passed on 1 time" in words
    assert f"<del><code>{WRITE}</code></del>" in page.text
    assert not any(part in page.text for token in chain.tokens for part in token.split(".")[1:])
    with context.use(world.tenant):
        agent_actions.suspend_agent(chain.agents[0].client.agent, by=SYSTEM, reason="strange")
    assert listed(world, ask, chain, 0) == listed(world, ask, chain, 1) == {}
    assert "No token of it is good now." in ada.go(world.url(path_of(chain, 0, "tokens"))).text


@spec("RFC 9700", "2.3")
def test_the_activity_of_an_agent_is_the_ledger_narrowed_by_the_same_words(world, chain):
    ask, ada = asker(world, "ada", "events:read"), world.browser("ada")
    chains.assert_refuses(world, lambda: world.exchange(chain.agents[1], chain.tokens[0], scope="x"), "invalid_scope")
    agent_id = chain.agents[1].client.agent_id
    over_api = ask("GET", f"/events?agent={agent_id}&refused=true").json()["events"]
    page = ada.go(world.url(path_of(chain, 1, "activity?refused=true&agent=somebody&colour=red")))
    assert page.text.count('href="/t/' + world.tenant.slug + "/why/") == len(over_api) == 1
    assert f"/why/{over_api[0]['id']}" in page.text
    assert "“colour” narrows nothing here." in ada.words()
    assert ada.go(world.url(path_of(chain, 1, "activity"))).text.count(">token.refused<") == 1
    assert f"?agent={agent_id}" in ada.page.text
    page = ada.go(world.url(f"/console/check?agent={agent_id}"))
    assert f'value="{agent_id}"' in page.text


@spec("RFC 9700", "2.3")
def test_the_tabs_are_for_those_who_look_after_agents(world, chain):
    for tab, role, status in (
        ("tokens", "auditor", 200),
        ("activity", "auditor", 200),
        ("tokens", "member", 403),
        ("activity", "developer", 403),
    ):
        world.rewrite(world.people["bob"], role=role)
        assert world.browser("bob").go(world.url(path_of(chain, 1, tab))).status_code == status, (tab, role)
