"""What is around an agent: on its page as a drawing with a table and as numbers, and the same over the API."""

import pytest
from django.utils import timezone

from kit import context
from tests.conformance.test_resources_api import asker
from tests.harness import chain as chains
from tests.harness import many
from tests.harness.inside import counted
from tests.spec import spec
from tokens import around


@pytest.fixture
def chain(world):
    return chains.handed_on(world, 1)


def page_of(browser, world, who):
    browser.go(world.url(f"/console/agents/{who.client.agent_id}"))
    return browser.words()


@spec("RFC 8693", "4.1")
def test_an_agent_is_drawn_between_whom_it_acts_for_and_who_works_for_it_and_the_api_says_the_same(world, chain):
    ask, ada = asker(world, "ada", "agents:read"), world.browser("ada")
    first, second = (each.client for each in chain.agents)
    root, part = (chain.delegation(place) for place in (0, 1))
    found = ask("GET", f"/agents/{first.agent_id}/graph").json()
    assert [(each["delegation"], each["subject_name"], each["from_agent"]) for each in found["held"]] == [
        (root.pk, "Alice", "")
    ]
    assert [(each["delegation"], each["from_agent"], each["agent"]) for each in found["handed_on"]] == [
        (part.pk, first.agent_id, second.agent_id)
    ]
    assert found["held"][0]["resource"] == world.calendar.identifier
    assert found["held"][0]["last_used_at"] is not None
    words = page_of(ada, world, chain.agents[0])
    for name in ("Alice", second.name, "Calendar", "sub-agent", "handed on"):
        assert name in words, name
    assert "never used" not in words
    words = page_of(ada, world, chain.agents[1])
    assert first.name in words, "to the left of a sub-agent is who handed it on"
    below = ask("GET", f"/agents/{second.agent_id}/graph").json()
    assert ([each["from_agent"] for each in below["held"]], below["handed_on"]) == ([first.agent_id], [])


def test_what_ended_is_not_drawn(world, chain):
    ask, ada = asker(world, "ada", "agents:read"), world.browser("ada")
    assert "Who it acts for, and where" in page_of(ada, world, chain.agents[0])
    browser = world.browser("alice")
    browser.go(world.url("/me/agents"))
    browser.submit(browser.form(f"/{chain.delegation(0).pk}/end"))
    nothing = {"held": [], "handed_on": [], "refused": []}
    assert ask("GET", f"/agents/{chain.agents[0].client.agent_id}/graph").json() == nothing
    assert "Who it acts for, and where" not in page_of(ada, world, chain.agents[0])


def test_the_newest_refusal_says_why_and_leads_to_its_check(world):
    who, ada = world.public_client("Scout"), world.browser("ada")
    granted = world.grant(who)
    words = page_of(ada, world, who)
    assert "nothing was refused" in words
    assert "Why was it refused?" not in words
    assert world.refresh(who, granted["refresh_token"], scope="contacts:read").status_code == 400
    words = page_of(ada, world, who)
    refused = world.entries("token.refused")[-1]
    assert refused.reason in words
    assert f"/why/{refused.pk}" in ada.page.text
    assert "nothing was refused" not in words


def test_eight_people_are_drawn_and_the_rest_is_one_box_that_leads_to_the_list(world):
    agent = many.delegations(world, 11)
    ada = world.browser("ada")
    ada.go(world.url(f"/console/agents/{agent.pk}"))
    assert ada.page.text.count('<g class="node person"') == 9
    assert "3 more" in ada.words()


def test_what_is_around_an_agent_takes_one_query_whatever_it_holds(world):
    agent = many.delegations(world, 12)
    with context.use(world.tenant), counted() as statements:
        found = around.of_agent(agent, now=timezone.now()).as_json()
    assert (len(found["held"]), len(statements)) == (12, 1)
