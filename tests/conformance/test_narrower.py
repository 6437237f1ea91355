"""An approval may be narrower than what was asked: for whom, for how long each time, and until when at all."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents import admission, lapsing
from agents.models import Agent, Approval
from agents.tasks import lapse
from audit.models import Lease
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.conformance.test_admission import WAITS, agent_of, approvals, console, wait
from tests.conformance.test_api import api_token
from tests.conformance.test_approvals_api import post
from tests.harness import chain, crowd, device
from tests.harness.browser import answer
from tests.harness.footprint import leaves_only
from tests.harness.world import claims
from tests.spec import spec

NOT_FOR_YOU = "Scout is not for you"
FOR_OTHERS = "This agent was approved for certain people, and this person is none of them."
HOUR = timedelta(hours=1)
BAD = (
    ({"until": "soon"}, "Write the day as"),
    ({"until": "2001-01-01"}, "ends in the future"),
    ({"people": ["usr_nobody"]}, "Nobody here has this address"),
    ({"people": ["nobody@nowhere.example"]}, "Nobody here has this address"),
    ({"owner": "nobody@nowhere.example"}, "Nobody here has this address"),
    ({"owner": " "}, "Say who answers for it"),
    ({"people": ["group:none"]}, "Nobody is in this group"),
    ({"owner": "usr_nobody"}, "Nobody here has this address"),
    ({"longest": "1"}, "lasts from"),
)


@pytest.fixture
def world(world):
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="admission")
    return world


@pytest.fixture
def scout(world):
    return world.public_client()


def let(world, who, **limits):
    """Approve an agent within limits."""
    with context.use(world.tenant):
        question = Approval.objects.get(agent=who.client.agent_id, status="waiting")
        owner = world.people["ada"]
        admission.approve(question, by=owner, owner=owner, **{"ceiling": None, **limits})


def group(world, person, *groups):
    with context.use(world.tenant):
        tenant_actions.set_groups(world.people[person], groups, by=SYSTEM)


def past(world, who, **fields):
    """Let the moment at which an approval ends lie in the past."""
    world.rewrite(agent_of(world, who), **fields)
    world.rewrite(who.client, version=99)


@spec("RFC 7591", "5")
def test_only_the_people_and_groups_of_the_approval_may_consent_and_each_other_way_in_says_the_same(world, scout):
    group(world, "bob", "finance")
    let(world, scout, people={"members": [], "groups": ["finance"]})
    assert world.grant(scout, "bob")["access_token"]
    outside = world.ask(scout, "alice")
    assert outside.page.status_code == 400
    assert NOT_FOR_YOU in outside.words()
    assert answer(world.ask(scout, "alice", prompt="none").page)["error"] == "access_denied"


@spec("RFC 8628", "3.3")
def test_a_device_of_somebody_outside_gets_no_consent(world):
    terminal = device.agent(world, client_name="Scout")
    let(world, terminal, people={"members": [world.people["bob"].pk], "groups": []})
    browser = device.start(world, terminal).opened("alice")
    assert NOT_FOR_YOU in browser.words()
    assert world.delegations() == []


@spec("RFC 7591", "5")
def test_two_clocks_at_once_ask_once_about_an_approval_that_ended(world, scout):
    let(world, scout, until=timezone.now() + 2 * HOUR)
    later = timezone.now() + 3 * HOUR
    assert sum(crowd.at_once(4, lambda _: lapsing.end_due(later), tenant=world.tenant)) == 1
    assert len(world.entries("approval.ended")) == 1
    assert [each.status for each in approvals(world)] == ["approved", "waiting"]


@spec("RFC 6749", "6")
def test_who_leaves_the_group_gets_no_new_token_by_refresh_or_exchange(world):
    group(world, "alice", "finance")
    ledger = chain.asker(world)
    world.rewrite(agent_of(world, ledger), people={"members": [], "groups": ["finance"]})
    held = world.grant(ledger)
    assert world.exchange(ledger, held["access_token"]).status_code == 200
    group(world, "alice", "sales")
    for refused in (world.refresh(ledger, held["refresh_token"]), world.exchange(ledger, held["access_token"])):
        assert refused.status_code == 400
        assert (refused.json()["error"], refused.json()["error_description"]) == ("invalid_grant", FOR_OTHERS)
    group(world, "alice", "finance")
    assert world.refresh(ledger, held["refresh_token"]).status_code == 200


@spec("RFC 8693", "2.1")
def test_a_part_handed_on_is_cut_to_the_limits_of_whoever_receives_it(world):
    asks, brief, stranger = chain.asker(world), world.helper("Brief"), world.helper("Stranger")
    for helper in (brief, stranger):
        world.let_hand_on(asks, helper)
    world.rewrite(agent_of(world, brief), longest_seconds=200)
    world.rewrite(agent_of(world, stranger), people={"members": [], "groups": []})
    token = world.grant(asks)["access_token"]
    assert world.exchange(stranger, token).json()["error_description"] == FOR_OTHERS
    got = claims(world.exchange(brief, token).json()["access_token"])
    assert got["exp"] - got["iat"] <= 200
    part = world.delegations()[-1]
    assert (part.depth, part.expires_at - timezone.now() <= timedelta(seconds=200)) == (1, True)


@spec("RFC 7591", "5")
def test_the_longest_lifetime_limits_the_choices_and_what_comes_of_them(world, scout):
    let(world, scout, longest=8 * HOUR)
    browser = world.ask(scout, "alice")
    assert "1 hour" in browser.words()
    assert "7 days" not in browser.words()
    assert dict(browser.form("/authorize").ticks)["duration"][-1] == "most"
    browser.decide(duration="week")
    assert answer(browser.page)["error"] == "access_denied"
    world.code(scout, duration="most")
    (held,) = world.delegations()
    assert timedelta(hours=7) < held.expires_at - timezone.now() <= 8 * HOUR


@spec("RFC 7591", "5")
def test_after_its_end_an_approval_gives_nothing_and_the_agent_is_asked_about_anew(world, scout):
    let(world, scout, until=timezone.now() + 2 * HOUR, ceiling={world.calendar.identifier: ["events:read"]})
    held = world.grant(scout, duration="most")
    (delegation,) = world.delegations()
    assert delegation.expires_at == agent_of(world, scout).approved_until
    past(world, scout, approved_until=timezone.now() - timedelta(seconds=1))
    refused = world.refresh(scout, held["refresh_token"])
    assert refused.json()["error_uri"] == world.url("/who-decides")
    browser = world.ask(scout, "alice")
    assert WAITS in browser.words()
    browser.submit(browser.form("/authorize/waiting/"), {"reason": "still needed"})
    *_, asked = approvals(world)
    assert (asked.kind, asked.status, asked.agent.status) == ("renewal", "waiting", "pending")
    assert asked.asked == {world.calendar.identifier: ["events:read"]}
    let(world, scout)
    assert world.refresh(scout, held["refresh_token"]).status_code == 200


@spec("RFC 7591", "5")
def test_the_clock_asks_about_what_ended_and_lapses_what_nobody_decided_each_as_what_it_was(world, scout):
    let(world, scout, until=timezone.now() + 2 * HOUR)
    past(world, scout, approved_until=timezone.now() - timedelta(seconds=1))
    paused = world.public_client("Paused")
    let(world, paused, until=timezone.now() + 2 * HOUR)
    past(world, paused, approved_until=timezone.now() - timedelta(seconds=1), status="suspended")
    Lease.objects.all().delete()
    lapse()
    kinds = {each.agent.name: each.kind for each in approvals(world) if each.status == "waiting"}
    assert kinds == {"Scout": "renewal", "Paused": "renewal"}
    assert (agent_of(world, scout).status, agent_of(world, paused).status) == ("pending", "suspended")
    with context.use(world.tenant):
        assert lapsing.end_due(timezone.now()) == lapsing.lapse_due(timezone.now()) == 0
        changed = Approval.objects.filter(agent=agent_of(world, scout), status="waiting")
        changed.update(kind="change", changes=[["name", "Scout", "Scout 2"]])
        assert lapsing.lapse_due(timezone.now() + timedelta(days=14, seconds=1)) == 2
        agent = Agent.objects.get(pk=scout.client.agent_id)
        admission.ask_about(agent, scout.client)
        back = Approval.objects.get(agent=agent, status="waiting")
        assert (back.kind, back.changes) == ("change", [["name", "Scout", "Scout 2"]])
        admission.ask_about(Agent.objects.get(pk=paused.client.agent_id), paused.client)
        assert not Approval.objects.filter(agent=paused.client.agent_id, status="waiting").exists()
    assert len(world.entries("approval.lapsed")) == len(world.entries("approval.ended")) == 2


@spec("RFC 7591", "5")
def test_the_page_takes_the_limits_and_a_bad_one_is_told_and_loses_nothing(world, scout):
    wait(world, scout, scope="events:read events:write")
    page = console(world)
    filled = {
        "owner": world.people["bob"].pk,
        "people": [f"{world.people['alice'].email.upper()}, {world.people['bob'].pk}"],
        "scope": [f"{world.calendar.identifier} events:read"],
        "longest": "3600",
    }
    for bad, words in BAD:
        with leaves_only(world):
            page.submit(page.form("/approve"), {**filled, **bad})
        assert page.page.status_code == 422
        assert words in page.words(), bad
        if "people" not in bad:
            assert f'value="{filled["people"][0]}"' in page.page.text
        assert f'value="{world.calendar.identifier} events:write" checked' not in page.page.text
    page.submit(page.form("/approve"), {**filled, "until": "2027-03-01"})
    agent = agent_of(world, scout)
    named = sorted(world.people[each].pk for each in ("alice", "bob"))
    assert sorted(agent.people["members"]) == named
    assert (agent.people["groups"], agent.longest_seconds) == ([], 3600)
    assert agent.approved_until.isoformat().startswith("2027-03-02T00:00")
    (entry,) = world.entries("approval.given")
    assert (sorted(entry.detail["members"]), entry.detail["longest_seconds"]) == (named, 3600)


@spec("RFC 7591", "5")
def test_the_api_takes_the_same_limits_and_names_each_that_cannot_hold(world, scout):
    app = world.public_client("Console app")
    let(world, app)
    token = api_token(world, app, "ada", "approvals:read approvals:decide")
    *_, question = [each for each in approvals(world) if each.status == "waiting"]
    said = {"owner": world.people["bob"].pk, "ceiling": None}
    bad = {"people": {"members": ["usr_nobody"]}, "longest": 1, "until": "2001-01-01T00:00:00Z"}
    with leaves_only(world):
        refused = post(world, token, f"{question.pk}/approve", {**said, **bad})
    assert (refused.status_code, set(refused.json()["errors"])) == (422, {"people", "longest", "until"})
    with leaves_only(world):
        assert post(world, token, f"{question.pk}/approve", {**said, "people": ["x"]}).status_code == 400
    good = {"people": {"members": [world.people["bob"].pk]}, "longest": 3600, "until": "2027-03-02T00:00:00Z"}
    given = post(world, token, f"{question.pk}/approve", {**said, **good}).json()
    assert (given["people"], given["longest"]) == ({"members": [world.people["bob"].pk], "groups": []}, 3600)
    assert agent_of(world, scout).approved_until.isoformat() == "2027-03-02T00:00:00+00:00"


@spec("RFC 7591", "5")
def test_an_approver_asks_first_and_whoever_wants_it_answers(world, scout):
    browser = wait(world, scout)
    page = console(world)
    page.submit(page.form("/ask"), {"words": "For which trip?"})
    browser.go(str(browser.page.url))
    assert "For which trip?" in browser.words()
    browser.submit(browser.form("/authorize/waiting/"), {"reason": "To Lisbon", "say": "answer"})
    assert "To Lisbon" in browser.words()
    browser.submit(browser.form("/authorize/waiting/"), {"reason": "again", "say": "answer"})
    other = wait(world, scout, "bob")
    assert "For which trip?" in other.words()
    assert "To Lisbon" not in other.words()
    page.go(world.url("/console/approvals"))
    assert "To Lisbon" in page.words()
    asked, answered = world.entries("approval.questioned"), world.entries("approval.answered")
    assert [(each.reason, each.principal_label) for each in [*asked, *answered]] == [
        ("For which trip?", "Ada"), ("To Lisbon", "Alice")]  # fmt: skip
    assert agent_of(world, scout).status == "pending"


@spec("RFC 7591", "5")
def test_a_denial_takes_a_reason_from_the_list_or_own_words_and_without_one_nothing_happens(world, scout):
    browser, page = wait(world, scout), console(world)
    with leaves_only(world):
        page.submit(page.form("/deny"), {"reason": " "})
    assert page.page.status_code == 422
    assert "Say why" in page.words()
    assert [name for name, _ in page.form("/approve").fields].count("scope") == 1
    page.submit(page.form("/deny"), {"preset": "another", "reason": "Ask Kim."})
    browser.go(str(browser.page.url))
    assert "We use another agent for this. Ask Kim." in browser.words()


@spec("RFC 7591", "5")
def test_a_reason_of_the_list_over_the_api_and_one_that_is_not_on_it(world, scout):
    app = world.public_client("Console app")
    let(world, app)
    token = api_token(world, app, "ada", "approvals:read approvals:decide")
    *_, question = [each for each in approvals(world) if each.status == "waiting"]
    assert post(world, token, f"{question.pk}/ask", {"words": "Why?"}).json()["said"][0]["words"] == "Why?"
    with leaves_only(world):
        assert post(world, token, f"{question.pk}/deny", {"preset": "because"}).status_code == 400
        assert post(world, token, f"{question.pk}/deny", {}).status_code == 400
    denied = post(world, token, f"{question.pk}/deny", {"preset": "unknown"}).json()
    assert denied["reason"] == "Nobody here knows who runs it."
