"""Which agent may hand on to which is said on a page as over the API, and holds from the next request on."""

import re

import pytest

from agents.models import Agent, Handover
from audit.principals import SYSTEM
from delegations.models import Delegation
from kit import context
from tests.conformance.test_resources_api import asker
from tests.harness import chain as chains
from tests.harness.footprint import leaves_only
from tests.spec import spec
from tokens import actions

SCOPES = "agents:read agents:write"


@pytest.fixture
def planner(world):
    return world.secret_client("Planner")


@pytest.fixture
def helpers(world):
    """Two that are alike: one for the page, one for its endpoint."""
    return [world.helper(name) for name in ("First", "Second")]


def named(world, agent):
    with context.use(world.tenant):
        return set(Handover.objects.filter(agent=agent.client.agent_id).values_list("to_agent__name", flat=True))


def told(world, event):
    return [(each.principal_id, each.about_id, list(each.detail)) for each in world.entries(event)]


@spec("RFC 8693", "2.2.2")
def test_an_agent_hands_on_to_whom_an_admin_named_and_to_nobody_from_the_moment_that_it_is_taken_away(
    world, planner, helpers
):
    first, second = (each.client.agent_id for each in helpers)
    ask, ada = asker(world, "ada", SCOPES), world.browser("ada")
    place = f"/console/agents/{planner.client.agent_id}"
    ada.go(world.url(place))
    assert "It may hand to Nobody" in ada.words()
    ada.go(world.url(f"{place}/handovers"))
    ada.submit(ada.form("/handovers"), {"to": first})
    path = f"/agents/{planner.client.agent_id}/handovers"
    made = ask("POST", path, {"to": second})
    assert (made.status_code, made.json()["to"], made.json()["name"]) == (201, second, "Second"), made.text
    assert named(world, planner) == {"First", "Second"}
    one, other = told(world, "agent.handover_allowed")
    assert one == other == (world.people["ada"].pk, planner.client.agent_id, ["to"])
    assert [each["to"] for each in ask("GET", path).json()["handovers"]] == [second, first]
    ada.go(world.url(place))
    assert "It may hand to First Second" in ada.words()
    ada.go(world.url(f"/console/agents/{first}"))
    assert "It is handed to by Planner" in ada.words()
    with leaves_only(world):
        assert ask("POST", path, {"to": second}).status_code == 201
    token = world.grant(planner, scope="events:read")["access_token"]
    assert [world.exchange(each, token).status_code for each in helpers] == [200, 200]
    ada.go(world.url(f"{place}/handovers"))
    ada.submit(ada.form(f"/{first}/forbid"))
    assert ask("DELETE", f"{path}/{second}").status_code == 204
    assert named(world, planner) == set()
    one, other = told(world, "agent.handover_forbidden")
    assert one == other == (world.people["ada"].pk, planner.client.agent_id, ["to"])
    assert [world.exchange(each, token).status_code for each in helpers] == [400, 400]
    with leaves_only(world):
        assert ask("DELETE", f"{path}/{second}").status_code == 404


@spec("RFC 9457", "3")
def test_nothing_is_handed_to_itself_to_nobody_or_to_one_that_ended(world, planner, helpers):
    own, other = planner.client.agent_id, helpers[0].client.agent_id
    ask, ada = asker(world, "ada", SCOPES), world.browser("ada")
    ada.go(world.url(f"/console/agents/{own}/handovers"))
    form = ada.form("/handovers")
    with leaves_only(world):
        for to, status in ((own, 422), (f"agt_{'0' * 26}", 400), ("", 400)):
            assert ask("POST", f"/agents/{own}/handovers", {"to": to}).status_code == status
            assert ada.submit(form, {"to": to}).status_code == 422
        world.rewrite(helpers[0].client.agent, status="retired")
        assert ask("POST", f"/agents/{own}/handovers", {"to": other}).status_code == 422
        assert (ada.submit(form, {"to": other}).status_code, "that ended" in ada.words()) == (422, True)
        world.rewrite(helpers[0].client.agent, status="active")
    assert ask("POST", f"/agents/{own}/handovers", {"to": other}).status_code == 201


@spec("RFC 9700", "2.3")
def test_only_who_may_change_agents_names_whom_one_hands_to_and_no_agent_names_itself(world, planner, helpers):
    own, other = planner.client.agent_id, helpers[0].client.agent_id
    world.rewrite(world.people["bob"], role="approver")
    asks, bob = asker(world, "bob", SCOPES), world.browser("bob")
    worker = world.own_api_token(world.worker(), SCOPES)
    ada = asker(world, "ada", SCOPES)
    with context.use(world.tenant):
        through = Agent.objects.filter(name="Console app").latest("created_at").pk
    bearer = {"Authorization": f"Bearer {worker}"}
    with leaves_only(world):
        assert asks("POST", f"/agents/{own}/handovers", {"to": other}).status_code == 403
        assert asks("DELETE", f"/agents/{own}/handovers/{other}").status_code == 403
        assert bob.go(world.url(f"/console/agents/{own}/handovers")).status_code == 403
        url = world.url(f"/api/v1/agents/{own}/handovers")
        assert world.http.post(url, headers=bearer, json={"to": other}).status_code == 403
        for one, to in ((through, other), (own, through)):
            refused = ada("POST", f"/agents/{one}/handovers", {"to": to})
            assert (refused.status_code, refused.json()["title"]) == (403, "This is about the agent that asks")
    assert asks("GET", f"/agents/{own}/handovers").json() == {"handovers": [], "next": None}
    assert "/handovers" not in bob.go(world.url(f"/console/agents/{own}")).text


@spec("RFC 8693", "4.1")
def test_a_person_reads_on_each_card_to_how_many_agents_it_was_handed_on(world):
    chains.handed_on(world, 2)
    alice = world.browser("alice")
    alice.go(world.url("/me/agents"))
    cards = re.findall(r'<li class="delegation"[^>]*>(.*?)<form', alice.page.text, re.DOTALL)
    last, middle, first = (re.sub(r"<[^>]+>", " ", each) for each in cards)
    assert ("Handed on to" in last, "Handed on by Helper 1" in last) == (False, True)
    assert ("Handed on to 1 sub-agent" in middle, "Handed on to 2 sub-agents" in first) == (True, True)
    with context.use(world.tenant):
        actions.end_delegation(Delegation.objects.get(depth=2), by=SYSTEM, reason="enough")
    assert "Handed on to 1 sub-agent" in alice.go(world.url("/me/agents")).text.replace("\n", " ")
