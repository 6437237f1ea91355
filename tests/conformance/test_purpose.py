"""What an agent is for: said by an admin on its page and over the API, kept as it shows, and told in its file."""

import pytest

from agents import admission
from agents.models import Agent, Client
from kit import context
from tests.conformance.test_resources_api import asker
from tests.harness.footprint import leaves_only
from tests.spec import spec

SCOPES = "agents:read agents:write events:read"
FOR = "Matches supplier invoices against bank lines."


@pytest.fixture
def agent(world):
    agent = world.secret_client("Reconciler").client.agent
    world.rewrite(agent, owner=world.people["bob"])
    return agent


@pytest.fixture
def ask(world):
    return asker(world, "ada", SCOPES)


def kept(world, agent):
    with context.use(world.tenant):
        return Agent.objects.get(pk=agent.pk).purpose


@spec("RFC 9700", "2.3")
def test_it_is_said_where_its_owners_are_and_over_the_api_with_one_entry_each(world, ask, agent):
    ada, place = world.browser("ada"), f"/console/agents/{agent.pk}"
    ada.go(world.url(f"{place}/owners"))
    ada.submit(ada.form("/owners"), {"purpose": f"  {FOR}\r\n "})
    assert FOR in ada.words()
    assert ask("PATCH", f"/agents/{agent.pk}", {"purpose": "Something else"}).json()["purpose"] == "Something else"
    with leaves_only(world):
        assert ask("PATCH", f"/agents/{agent.pk}", {"purpose": "Something else"}).status_code == 200
    entries = [each for each in world.entries("agent.changed") if each.about_id == agent.pk]
    assert [(each.detail["before"], each.detail["after"]) for each in entries] == [
        (["purpose: "], [f"purpose: {FOR}"]),
        ([f"purpose: {FOR}"], ["purpose: Something else"]),
    ]
    file = ask("GET", f"/agents/{agent.pk}/evidence").json()
    assert file["record"]["agent"]["purpose"] == "Something else"
    assert "Something else" in ada.go(world.url(f"{place}/owners")).text


@pytest.mark.parametrize("text", ["x" * 501, "x" * 4000, "pays\u202eyap", "a\u2066b", "bell\x07", "tag\U000e0041"])
def test_what_is_too_long_or_does_not_show_is_said_nowhere(world, ask, agent, text):
    ada = world.browser("ada")
    ada.go(world.url(f"/console/agents/{agent.pk}/owners"))
    with leaves_only(world):
        answer = ask("PATCH", f"/agents/{agent.pk}", {"purpose": text})
        assert answer.status_code == 422, answer.text
        ada.submit(ada.form("/owners"), {"purpose": text})
    assert (ada.page.status_code, "500 characters that all show" in ada.words()) == (422, True)
    assert kept(world, agent) == ""
    assert ask("PATCH", f"/agents/{agent.pk}", {"purpose": "x" * 500}).status_code == 200


def test_its_markup_stays_text(world, ask, agent):
    hostile = "<script>alert(1)</script>"
    assert ask("PATCH", f"/agents/{agent.pk}", {"purpose": hostile}).status_code == 200
    for page in ("", "/owners"):
        text = world.browser("ada").go(world.url(f"/console/agents/{agent.pk}{page}")).text
        assert hostile not in text
        assert "&lt;script&gt;alert(1)" in text


@spec("RFC 7591", "2")
def test_whoever_adds_an_agent_says_it_on_the_form_and_over_the_api(world, ask):
    ada = world.browser("ada")
    ada.go(world.url("/console/agents/add"))
    said = {"name": "Clerk", "owner": world.people["bob"].pk, "method": "client_secret_basic", "extent": "anything"}
    said |= {"grants": ["client_credentials"]}
    with leaves_only(world):
        ada.submit(ada.form("/agents/add"), {**said, "purpose": "a\u202eb"})
    assert (ada.page.status_code, "that all show" in ada.words()) == (422, True)
    assert ada.submit(ada.form("/agents/add"), {**said, "purpose": FOR}).status_code == 200
    by_api = ask("POST", "/agents", {"name": "Clerk", "owner": world.people["bob"].pk, "purpose": FOR}).json()
    with context.use(world.tenant):
        made = list(Agent.objects.filter(name="Clerk").values_list("purpose", flat=True))
    assert (made, by_api["purpose"]) == ([FOR, FOR], FOR)


def test_an_older_form_that_does_not_ask_leaves_it(world, ask, agent):
    ask("PATCH", f"/agents/{agent.pk}", {"purpose": FOR})
    ada = world.browser("ada")
    ada.go(world.url(f"/console/agents/{agent.pk}/owners"))
    form = ada.form("/owners")
    form.fields = [each for each in form.fields if each[0] != "purpose"]
    ada.submit(form, {"name": "Renamed"})
    assert (kept(world, agent), ask("GET", f"/agents/{agent.pk}").json()["name"]) == (FOR, "Renamed")


def test_whoever_decides_on_an_agent_reads_what_it_is_for(world, agent):
    ask = asker(world, "ada", "agents:write approvals:read")
    assert ask("PATCH", f"/agents/{agent.pk}", {"purpose": FOR}).status_code == 200
    world.rewrite(agent, status="pending")
    with context.use(world.tenant):
        agent = Agent.objects.get(pk=agent.pk)
        admission.ask_about(agent, Client.objects.get(agent=agent))
    (told,) = [each for each in ask("GET", "/approvals").json()["approvals"] if each["agent"] == agent.pk]
    ada = world.browser("ada")
    ada.go(world.url("/console/approvals"))
    assert (told["purpose"], FOR in ada.words()) == (FOR, True)
