"""An agent that nobody knows is a question: asked by people, decided once by those who may, resumed as it was asked."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from agents.models import Agent, Approval
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.harness.browser import answer
from tests.harness.footprint import leaves_only
from tests.harness.world import pkce
from tests.spec import spec

WAITS = "is new here"
SENT = "Sent to your admins"


@pytest.fixture
def world(world):
    world.tenant = tenant_actions.change_policy(
        world.tenant, by=SYSTEM, registration="admission", documents="admission", admitted_hosts=[]
    )
    return world


@pytest.fixture
def scout(world):
    return world.public_client()


def approvals(world):
    with context.use(world.tenant):
        return list(Approval.objects.select_related("agent").order_by("pk"))


def agent_of(world, who):
    with context.use(world.tenant):
        return Agent.objects.get(pk=who.client.agent_id)


def wait(world, who, person="alice", reason="for my trip", **changes):
    """Return a browser in which the person asked their admins."""
    browser = world.ask(who, person, **changes)
    assert WAITS in browser.words(), browser.words()
    browser.submit(browser.form("/authorize/waiting/"), {"reason": reason})
    assert SENT in browser.words(), browser.words()
    return browser


def console(world, person="ada"):
    browser = world.browser(person)
    browser.go(world.url("/console/approvals"))
    return browser


def approve(world, person="ada", **fill):
    browser = console(world, person)
    return browser, browser.submit(browser.form("/approve"), decision(world, **fill))


def decision(world, **fill):
    """Return what an approver fills in: an owner, and how much."""
    return {"owner": world.people["alice"].pk, **({} if "scope" in fill else {"extent": "anything"}), **fill}


@spec("RFC 7591", "5")
def test_whoever_registers_waits_and_gets_nothing_until_somebody_approves(world, scout):
    (asked,) = approvals(world)
    assert (asked.kind, asked.status, asked.agent.status) == ("admission", "waiting", "pending")
    browser = world.ask(scout, "alice")
    assert WAITS in browser.words()
    assert "code=" not in str(browser.page.url)
    assert world.delegations() == []


@spec("RFC 6749", "4.1.1")
def test_the_person_asks_once_and_the_page_goes_on_with_the_very_request_once_it_is_decided(world, scout):
    verifier, challenge = pkce()
    browser = wait(world, scout, challenge=challenge, state="kept")
    (asked,) = approvals(world)
    with context.use(world.tenant):
        assert [(each.member_id, each.reason) for each in asked.pleas.all()] == [
            (world.people["alice"].pk, "for my trip")
        ]
    assert asked.asked == {world.calendar.identifier: ["events:read"]}
    looked = re.search(r'<a href="([^"]+)" data-look-every="5">', browser.page.text)
    approve(world)
    browser.go(f"{world.origin}{looked[1]}")
    assert "Let Scout use Calendar for you?" in browser.words()
    browser.decide(duration="week")
    got = answer(browser.page)
    assert got["state"] == "kept"
    assert world.redeem(scout, got["code"], verifier).status_code == 200


@spec("RFC 6749", "4.1.1")
def test_looking_at_the_page_asks_nobody(world, scout):
    world.ask(scout, "alice")
    (asked,) = approvals(world)
    with context.use(world.tenant):
        assert not asked.pleas.exists()


@spec("RFC 7591", "5")
def test_the_card_says_who_wants_it_for_what_and_what_is_risky(world, scout):
    wait(world, scout, scope="events:read events:write")
    wait(world, scout, "bob", reason="me too")
    said = console(world).words()
    for words in (
        "Scout",
        "2 people",
        "for my trip",
        "me too",
        "Nobody has checked who runs it",
        "Change your calendar",
    ):
        assert words in said, words


@spec("RFC 7591", "5")
def test_what_is_approved_is_the_ceiling_of_every_later_consent(world, scout):
    browser = wait(world, scout, scope="events:read events:write")
    approve(world, scope=[f"{world.calendar.identifier} events:read"])
    agent = agent_of(world, scout)
    assert (agent.status, agent.ceiling) == ("active", {world.calendar.identifier: ["events:read"]})
    assert agent.owner_id == world.people["alice"].pk
    browser.go(world.authorize_url(scout, pkce()[1], scope="events:read events:write"))
    granted = world.grant(scout, scope="events:read events:write", tick=[f"{world.calendar.pk} events:write"])
    assert granted["scope"] == "events:read"


@spec("RFC 7591", "5")
def test_who_is_denied_reads_why_and_nothing_goes_back_to_the_agent(world, scout):
    browser = wait(world, scout)
    page = console(world)
    page.submit(page.form("/deny"), {"reason": "We use another one."})
    browser.go(str(browser.page.url))
    assert "was not approved" in browser.words()
    assert "We use another one." in browser.words()
    assert agent_of(world, scout).status == "denied"
    assert [each.reason for each in world.entries("approval.refused")] == ["We use another one."]


@spec("RFC 7591", "5")
def test_two_admins_at_once_and_the_second_is_told_who_was_first(world, scout):
    wait(world, scout)
    first, second = console(world), console(world)
    first.submit(first.form("/approve"), decision(world))
    with leaves_only(world):
        second.submit(second.form("/deny"), {"reason": "no"})
    assert second.page.status_code == 409
    assert "Ada was first: Scout was approved" in second.words()
    assert agent_of(world, scout).status == "active"


@spec("RFC 7591", "5")
def test_a_decision_is_taken_back_until_something_came_of_it(world, scout):
    wait(world, scout)
    browser, _ = approve(world)
    browser.submit(browser.form("/undo"))
    assert agent_of(world, scout).status == "pending"
    browser.submit(browser.form("/approve"), decision(world))
    world.grant(scout)
    browser.go(world.url("/console/approvals"))
    browser.submit(browser.form("/undo"))
    assert browser.page.status_code == 409
    assert agent_of(world, scout).status == "active"


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize(
    ("role", "looks", "decides"), [("approver", 200, True), ("auditor", 200, False), ("member", 403, False)]
)
def test_only_those_who_may_decide_have_the_buttons_and_the_verbs(world, scout, role, looks, decides):
    wait(world, scout)
    ada = console(world)
    form = ada.form("/approve")
    world.rewrite(world.people["ada"], role=role)
    assert ada.go(world.url("/console/approvals")).status_code == looks
    assert looks != 200 or any("/approve" in each.action for each in ada.forms()) == decides
    ada.submit(form, decision(world))
    assert (agent_of(world, scout).status == "active") == decides


@spec("WAG", "7")
def test_the_token_endpoint_says_who_must_act(world):
    worker = world.secret_client()
    response = world.token(
        worker, {"grant_type": "authorization_code", "code": "x", "redirect_uri": "x", "code_verifier": "x"}
    )
    body = response.json()
    assert (response.status_code, body["error"]) == (400, "invalid_grant")
    assert body["error_uri"] == world.url("/who-decides")
    assert "administrator" in body["error_description"]


@spec("RFC 7591", "5")
@pytest.mark.parametrize(
    ("redirects", "status"),
    [
        (["https://good.example/cb"], "active"),
        (["https://good.example/cb", "https://evil.example/cb"], "pending"),
        (["http://127.0.0.1/cb"], "pending"),
    ],
)
def test_named_hosts_need_nobody_and_all_redirect_hosts_count(world, redirects, status):
    policy = {"registration": "hosts"}
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, **policy, admitted_hosts=["good.example"])
    assert agent_of(world, world.public_client(redirect_uris=redirects)).status == status


@spec("RFC 7591", "5")
def test_a_name_that_looks_like_an_approved_one_is_told(world):
    wait(world, world.public_client("Ledger"))
    approve(world)
    wait(world, world.public_client("L3dg€r".replace("€", "e")))
    assert "looks like that of Ledger" in console(world).words()


@spec("RFC 6749", "10.12")
def test_another_person_s_waiting_page_is_not_there(world, scout):
    browser = wait(world, scout)
    other = world.browser("bob")
    assert other.go(str(browser.page.url)).status_code == 404
    assert parse_qs(urlsplit(str(browser.page.url)).query) == {}
