"""The access check: it says yes exactly where a token would be issued, and its first no is the rule that decides."""

import html
import re

import pytest
from django.utils import timezone

from agents import actions as agent_actions
from agents import handovers
from agents.models import Agent, Handover
from audit.principals import SYSTEM
from delegations import actions as delegation_actions
from delegations.models import Delegation
from kit import context
from tenants import actions as tenant_actions
from tests.conformance.test_api import api_token
from tests.harness import chain as chains
from tests.harness.footprint import leaves_only
from tests.spec import spec


@pytest.fixture
def token(world):
    return api_token(world, world.public_client("Console app"), "ada", "checks:run")


@pytest.fixture
def chain(world):
    """A planner of alice's that may hand part of its work to a helper, as she read it."""
    return chains.make(world)


@pytest.fixture
def alices_token(world):
    """A token that speaks for alice, who looks after nobody."""
    return api_token(world, world.public_client("Her own app"), "alice", "checks:run")


@pytest.fixture
def scout(world):
    """An agent that alice lets read her calendar and her contacts."""
    scout = world.public_client()
    world.granted = world.grant(
        scout,
        scope="events:read contacts:read",
        tick=[f"{world.calendar.pk} {scope}" for scope in ("events:read", "contacts:read")],
    )
    return scout


def ask(world, token, who, whom="alice", **changes):
    body = {
        "agent": who.client.agent_id,
        "person": world.people[whom].pk if whom else None,
        "resource": world.calendar.identifier,
        "scopes": ["events:read"],
    } | changes
    return world.http.post(world.url("/api/v1/check"), json=body, headers={"Authorization": f"Bearer {token}"})


def failed(answer):
    """Return the step that said no, or "" where all passed; what stands behind it was not reached."""
    assert answer.status_code == 200, answer.text
    found = answer.json()
    verdicts = [step["verdict"] for step in found["steps"]]
    place = verdicts.index("failed") if "failed" in verdicts else len(verdicts)
    assert verdicts == ["passed"] * place + ["failed"] * (place < len(verdicts)) + ["not_reached"] * (
        len(verdicts) - place - 1
    )
    assert found["allowed"] == (place == len(verdicts))
    if found["allowed"]:
        return ""
    assert found["steps"][place]["reason"], found
    assert found["steps"][place]["remedy"], found
    return found["steps"][place]["step"]


def refreshes(world, scout):
    """Say whether the token endpoint agrees, and keep the newest refresh token."""
    answer = world.refresh(scout, world.granted["refresh_token"], scope="events:read")
    if answer.status_code == 200:
        world.granted = answer.json()
    return answer.status_code == 200


def of_agent(world, scout, **fields):
    world.rewrite(scout.client.agent, **fields)


@spec("RFC 9700", "2.3")
def test_it_says_yes_where_a_token_is_issued_and_what_that_would_hold(world, token, scout):
    found = ask(world, token, scout).json()
    assert failed(ask(world, token, scout)) == ""
    assert found["scopes"] == ["events:read"]
    assert found["expires_at"] > timezone.now().isoformat()
    everything = ask(world, token, scout, scopes=[]).json()
    assert everything["scopes"] == ["contacts:read", "events:read"]
    assert refreshes(world, scout)


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize(
    ("step", "break_it", "mend_it"),
    [
        ("agent", {"agent": {"status": "suspended"}}, {"agent": {"status": "active"}}),
        ("agent", {"agent": {"status": "retired"}}, {"agent": {"status": "active"}}),
        ("client", {"client": {"status": "disabled"}}, {"client": {"status": "active"}}),
        ("person", {"person": {"status": "suspended"}}, {"person": {"status": "active"}}),
    ],
)
def test_its_no_is_the_token_endpoints_no_and_one_change_makes_it_a_yes(world, token, scout, step, break_it, mend_it):
    rows = {"agent": scout.client.agent, "client": scout.client, "person": world.people["alice"]}

    def change(what):
        for name, fields in what.items():
            world.rewrite(rows[name], **fields)

    change(break_it)
    assert failed(ask(world, token, scout)) == step
    assert not refreshes(world, scout)
    change(mend_it)
    assert failed(ask(world, token, scout)) == ""


@spec("RFC 9700", "2.3")
def test_what_was_approved_for_the_agent_is_the_ceiling_of_both(world, token, scout):
    def bound(ceiling):
        with context.use(world.tenant):
            handovers.set_limits(Agent.objects.get(pk=scout.client.agent_id), ceiling=ceiling, by=SYSTEM)

    for ceiling, step in (({world.calendar.identifier: ["events:read"]}, ""), ({}, "ceiling")):
        bound(ceiling)
        assert failed(ask(world, token, scout)) == step
        assert refreshes(world, scout) == (step == "")


@spec("RFC 8707", "2")
def test_resource_scope_and_delegation_each_have_their_step(world, token, scout):
    assert failed(ask(world, token, scout, resource="https://nowhere.example/mcp")) == "resource"
    assert failed(ask(world, token, scout, scopes=["events:invent"])) == "scopes"
    assert failed(ask(world, token, scout, scopes=["events:write"])) == "narrowing"
    assert failed(ask(world, token, scout, whom="bob")) == "delegation"
    assert failed(ask(world, token, scout, whom=None)) == "delegation"
    assert failed(ask(world, token, scout, resource=world.notes.identifier, scopes=["notes:read"])) == "delegation"
    with context.use(world.tenant):
        held = Delegation.objects.get(subject=world.people["alice"].pk, agent=scout.client.agent_id)
        delegation_actions.revoke(held, by=SYSTEM, reason="for the test")
    over = ask(world, token, scout).json()["steps"]
    assert "that is over (for the test)" in next(step["reason"] for step in over if step["step"] == "delegation")


@spec("RFC 6749", "4.4")
def test_an_agent_for_itself_is_asked_about_without_a_person(world, token):
    worker = world.worker()
    assert failed(ask(world, token, worker, whom=None)) == ""
    assert failed(ask(world, token, worker, whom=None, scopes=["events:write"])) == "narrowing"
    assert world.own_token(worker).status_code == 200


@spec("RFC 8693", "4.1")
def test_a_chain_is_judged_hop_by_hop_as_exchanges_are(world, chain, token):
    (first, second), stranger = chain.agents, world.helper("Stranger")
    through = {"chain": [first.client.agent_id]}
    for who, is_named in ((second, True), (stranger, False)):
        told = ask(world, token, who, **through)
        assert failed(told) == ("" if is_named else "chain"), told.text
        answer = world.exchange(who, chain.tokens[0], scope="events:read")
        assert (answer.status_code == 200) == is_named, answer.text
    tenant_actions.change_policy(world.tenant, by=SYSTEM, handing_on="off")
    assert failed(ask(world, token, second, **through)) == "chain"


@spec("RFC 9700", "2.3")
def test_asking_issues_and_changes_nothing_and_is_recorded_with_its_verdict(world, token, scout):
    with leaves_only(world, "check.run", "check.run"):
        ask(world, token, scout)
        ask(world, token, scout, scopes=["events:write"])
    (yes, no) = world.entries("check.run")
    assert (yes.principal_id, yes.on_behalf_of) == (world.people["ada"].pk, world.people["alice"].pk)
    assert (yes.detail["verdict"], no.detail["verdict"]) == ("allowed", "narrowing")


@spec("RFC 9700", "2.3")
def test_people_ask_about_themselves_and_their_own_agents_and_nobody_elses(world, alices_token, scout):
    assert failed(ask(world, alices_token, scout)) == ""
    with leaves_only(world):
        assert ask(world, alices_token, scout, whom="bob").status_code == 400
    of_agent(world, scout, owner=world.people["alice"])
    assert failed(ask(world, alices_token, scout, whom="bob")) == "delegation"


@spec("RFC 6750", "3.1")
def test_an_agents_own_token_asks_nothing(world, scout):
    own = world.own_api_token(world.worker(), "checks:run")
    with leaves_only(world):
        assert ask(world, own, scout).status_code == 403


@spec("RFC 9457", "3")
@pytest.mark.parametrize(
    "changes",
    [
        {"agent": "agt_nobody"},
        {"agent": None},
        {"person": "usr_nobody"},
        {"chain": ["agt_nobody"]},
        {"chain": "no list"},
        {"chain": ["agt_x"] * 17},
        {"scopes": [7, {}]},
        {"resource": "x" * 513},
    ],
)
def test_what_cannot_be_asked_is_said_and_leaves_nothing(world, token, scout, changes):
    with leaves_only(world):
        answer = ask(world, token, scout, **changes)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@spec("RFC 9700", "2.3")
def test_another_tenants_agents_and_people_are_not_there(world, elsewhere, token, scout):
    stranger = elsewhere.public_client()
    assert ask(world, token, stranger).status_code == 400
    assert ask(world, token, scout, whom=None, agent=stranger.client.agent_id).status_code == 400
    assert ask(world, token, scout, person=elsewhere.people["alice"].pk).status_code == 400


@spec("RFC 9700", "2.3")
def test_the_page_asks_the_same_and_shows_the_same_steps(world, token, scout):
    ada = world.browser("ada")
    ada.go(world.url(f"/console/check?agent={scout.client.agent_id}&person={world.email('alice')}"))
    fill = {"resource": world.calendar.identifier, "scopes": "events:write"}
    with leaves_only(world, "check.run"):
        page = ada.submit(ada.form("/console/check"), fill)
    assert page.status_code == 200
    assert "Not allowed" in page.text
    assert "What would allow it" in page.text
    told = ask(world, token, scout, scopes=["events:write"]).json()
    assert all(step["reason"] in page.text for step in told["steps"] if "reason" in step)
    one, other = world.entries("check.run")
    assert (one.detail, one.on_behalf_of, one.through) == (other.detail, other.on_behalf_of, other.through)
    fill["scopes"] = "events:read"
    assert "a token would end" in ada.submit(ada.form("/console/check"), fill).text


@spec("RFC 9700", "2.3")
def test_the_page_says_what_it_could_not_understand_and_keeps_what_was_typed(world, scout):
    ada = world.browser("ada")
    with context.use(world.tenant):
        for _ in range(2):
            agent_actions.register_agent("Twin", by=SYSTEM)
    ada.go(world.url("/console/check"))
    for said, told in (
        ({"agent": "Nobody at all"}, "No agent here has the name or id"),
        ({"agent": "Twin"}, "Several agents are called"),
        ({"agent": "Scout", "person": "who@nowhere.example"}, "Nobody here has this mail address"),
        ({"agent": "Scout", "through": ",".join(["Scout"] * 17)}, "longer chain"),
    ):
        with leaves_only(world):
            page = ada.submit(ada.form("/console/check"), {"scopes": "events:read", **said})
        assert page.status_code == 422
        assert told in page.text
        assert 'value="events:read"' in page.text


@spec("RFC 9700", "2.3")
def test_handing_on_is_judged_by_the_admins_word_at_this_moment(world, chain, token):
    first, second = chain.agents
    through = {"chain": [first.client.agent_id]}
    before = failed(ask(world, token, second, **through))
    with context.use(world.tenant):
        agents = {agent.pk: agent for agent in Agent.objects.all()}
        handovers.forbid_handover(agents[first.client.agent_id], agents[second.client.agent_id], by=SYSTEM)
    assert failed(ask(world, token, second, **through)) == "chain"
    assert before == ""


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize(
    ("why", "label", "role"),
    [
        ("paused", "Resume it", "auditor"),
        ("scope", "Add the scope", "auditor"),
        ("nobody", "See what it was allowed", ""),
        ("ceiling", "Raise what was approved", "approver"),
        ("place", "Open the members", "auditor"),
    ],
)
def test_what_would_allow_it_leads_to_where_that_is_done_for_those_who_may(world, scout, why, label, role):
    """`role` is one that reads the check and may not do it."""
    asked = {"agent": scout.client.agent_id, "person": world.email("alice"), "resource": world.calendar.identifier}
    asked |= {"scopes": "events:read"}
    if why == "paused":
        world.rewrite(scout.client.agent, status="suspended")
    elif why == "scope":
        asked["scopes"] = "nothing:known"
    elif why == "nobody":
        asked["person"] = world.email("bob")
    elif why == "ceiling":
        world.rewrite(scout.client.agent, ceiling={world.calendar.identifier: []})
    else:
        world.rewrite(world.people["alice"], status="suspended")
    ada = world.browser("ada")
    ada.go(world.url("/console/check"))
    page = ada.submit(ada.form("/console/check"), asked)
    link = re.search(rf'<a class="button compact" href="([^"]+)">{label}</a>', page.text)
    assert link, step_titles(page)
    assert ada.go(f"{world.origin}{html.unescape(link[1])}").status_code == 200
    if role:
        world.rewrite(world.people["ada"], role=role)
        ada.go(world.url("/console/check"))
        page = ada.submit(ada.form("/console/check"), asked)
        assert ("What would allow it" in page.text, label in page.text) == (True, False)


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize("why", ["scope", "ceiling", "chain"])
def test_the_change_that_is_missing_stands_in_the_form_that_the_page_leads_to(world, scout, chain, why):
    asked = {"agent": scout.client.agent_id, "person": world.email("alice"), "resource": world.calendar.identifier}
    asked |= {"scopes": "events:read"}
    if why == "scope":
        asked["scopes"] = "events:invite"
    elif why == "ceiling":
        world.rewrite(scout.client.agent, ceiling={world.calendar.identifier: [], world.notes.identifier: []})
    else:
        first, second = (each.client.agent_id for each in chain.agents)
        asked |= {"agent": second, "through": first}
        with context.use(world.tenant):
            agents = {agent.pk: agent for agent in Agent.objects.all()}
            handovers.forbid_handover(agents[first], agents[second], by=SYSTEM)
    ada = world.browser("ada")
    ada.go(world.url("/console/check"))
    page = ada.submit(ada.form("/console/check"), asked)
    assert "Nothing changes before you save it." in page.text
    link = re.search(r'<a class="button compact" href="([^"]+)">', page.text)
    with leaves_only(world):
        ada.go(f"{world.origin}{html.unescape(link[1])}")
    form = next(form for form in ada.forms() if {"name", "extent", "to"} & dict(form.fields).keys())
    assert ada.submit(form, {"title": "Invite people"} if why == "scope" else {}).status_code == 200
    with context.use(world.tenant):
        agent = Agent.objects.get(pk=scout.client.agent_id)
        saved = {
            "scope": list(world.calendar.scopes.filter(name="events:invite").values_list("title", flat=True)),
            "ceiling": agent.ceiling and agent.ceiling[world.calendar.identifier],
            "chain": [each.to_agent_id for each in Handover.objects.filter(agent=chain.agents[0].client.agent_id)],
        }
    expected = {"scope": ["Invite people"], "ceiling": ["events:read"], "chain": [chain.agents[1].client.agent_id]}
    assert saved[why] == expected[why]


def step_titles(page):
    return re.findall(r"<h3>([^<]+)", page.text)
