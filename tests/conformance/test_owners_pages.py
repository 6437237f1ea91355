"""Whoever owns an agent looks after it without any role: its pages, its stop and its keys; and sees nobody else's."""

from html import unescape
from urllib.parse import urljoin

import pytest

from agents.models import Agent, Client, CoOwner
from audit.principals import SYSTEM
from delegations.models import Delegation
from kit import context
from tests.conformance.test_resources_api import asker
from tests.harness.browser import Form
from tests.harness.footprint import leaves_only
from tests.spec import spec
from trust import actions as trust_actions

AGENTS = "/console/agents"
FOR_WHO_READS_ALL = ("/activity/events/", "/activity/export.", "/activity/newer", "GET http")


@pytest.fixture
def mine(world):
    """An agent of Bob, who has no role, that acts for Alice."""
    scout = world.secret_client("Scout")
    world.rewrite(scout.client.agent, owner=world.people["bob"])
    world.grant(scout)
    return scout.client


@pytest.fixture
def other(world):
    """Another one, of Ada."""
    ledger = world.secret_client("Ledger")
    world.rewrite(ledger.client.agent, owner=world.people["ada"])
    world.grant(ledger)
    return ledger.client


@pytest.fixture
def refused(world):
    """An agent of Bob, and of Alice beside him, that asked for more in Ada's name than she allowed."""
    wide = world.secret_client("Wide")
    world.rewrite(wide.client.agent, owner=world.people["bob"])
    with context.use(world.tenant):
        CoOwner.objects.create(agent=wide.client.agent, member=world.people["alice"])
    granted = world.grant(wide, "ada")
    assert world.refresh(wide, granted["refresh_token"], scope="events:write").status_code == 400
    return wide.client


@pytest.fixture
def bob(world, mine, other):
    return world.browser("bob")


def agent_of(world, client):
    with context.use(world.tenant):
        return Agent.objects.get(pk=client.agent_id)


def delegation_of(world, client):
    with context.use(world.tenant):
        return Delegation.objects.get_queryset().get(client=client)


def send(world, browser, path):
    """Send a form to an address as a page would, whatever the page offers."""
    browser.go(world.url("/logout"))
    token = dict(browser.form("/logout").fields)["csrfmiddlewaretoken"]
    sent = [("csrfmiddlewaretoken", token), ("reason", "why"), ("version", "1")]
    return browser.submit(Form(f"/t/{world.tenant.slug}{path}", "post", sent)).status_code


def looks(client):
    own = f"{AGENTS}/{client.agent_id}"
    return [own, f"{own}/tokens", f"{own}/activity", f"{own}/clients/{client.pk}"]


@spec("RFC 9700", "2.3")
def test_the_list_and_the_way_there_show_an_owner_their_own(world, bob):
    bob.go(world.url("/me/agents"))
    assert f'href="/t/{world.tenant.slug}/console">Console' in bob.page.text
    bob.go(world.url(AGENTS))
    assert [f"{world.tenant.slug}/console{each}" in bob.page.text for each in ("/delegations", "/approvals")] == [
        True,
        False,
    ]
    assert f'href="/t/{world.tenant.slug}/console"' in bob.page.text
    bob.go(world.url(AGENTS))
    assert (bob.page.status_code, "Scout" in bob.words(), "Ledger" in bob.words()) == (200, True, False)
    assert ("Mine" in bob.words(), "/export/" in bob.page.text) == (True, False)
    bob.go(world.url("/console/delegations"))
    assert (bob.page.status_code, "Scout" in bob.words(), "Ledger" in bob.words()) == (200, True, False)


@spec("RFC 9700", "2.3")
def test_each_page_of_their_agent_opens_and_of_another_is_not_there(world, bob, mine, other):
    for path in looks(mine):
        assert bob.go(world.url(path)).status_code == 200, path
        assert "/console/check" not in bob.page.text
    for path in looks(other):
        assert bob.go(world.url(path)).status_code == 404, path
    for client, status in ((mine, 200), (other, 404)):
        assert bob.go(world.url(f"/console/delegations/{delegation_of(world, client).pk}")).status_code == status


@spec("RFC 9700", "2.3")
def test_whoever_answers_beside_the_owner_looks_as_well(world, mine):
    with context.use(world.tenant):
        CoOwner.objects.create(agent=mine.agent, member=world.people["alice"])
    alice = world.browser("alice")
    assert alice.go(world.url(f"{AGENTS}/{mine.agent_id}")).status_code == 200


@spec("RFC 9700", "2.3")
def test_mine_are_those_one_answers_for_beside_somebody_too(world, mine, other):
    third = world.secret_client("Third").client
    world.rewrite(third.agent, owner=world.people["alice"])
    with context.use(world.tenant):
        CoOwner.objects.create(agent=mine.agent, member=world.people["ada"])
    ada = world.browser("ada")
    ada.go(world.url(AGENTS))
    href = next(
        part.split('"')[0] for part in ada.page.text.split('href="') if part.partition(">")[2].startswith("Mine")
    )
    ada.go(urljoin(world.url(AGENTS), unescape(href)))
    assert [name in ada.words() for name in ("Scout", "Ledger", "Third")] == [True, True, False]
    ask = asker(world, "ada", "agents:read")
    found = ask("GET", f"/agents?answered_by={world.people['ada'].pk}").json()["agents"]
    assert {each["id"] for each in found} == {mine.agent_id, other.agent_id}
    assert ask("GET", "/agents?answered_by=nobody").json()["agents"] == []


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize("who", ["bob", "alice"])
def test_the_activity_leads_an_owner_to_what_opens_for_them_and_nowhere_else(world, refused, who):
    browser = world.browser(who)
    browser.go(world.url(f"{AGENTS}/{refused.agent_id}/activity"))
    assert "token.refused" in browser.words()
    assert not [each for each in FOR_WHO_READS_ALL if each in browser.page.text]
    card = browser.page.text.partition('id="rows"')[2]
    links = {part.split('"')[0] for part in card.split('href="')[1:]}
    assert any("/why/" in link for link in links)
    assert {browser.go(urljoin(world.origin, unescape(link))).status_code for link in links} == {200}


@spec("RFC 9700", "2.3")
def test_whoever_looks_after_the_tenant_is_led_to_each_entry(world, refused):
    ada = world.browser("ada")
    ada.go(world.url(f"{AGENTS}/{refused.agent_id}/activity"))
    assert all(each in ada.page.text for each in ("/why/", *FOR_WHO_READS_ALL))


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize(("verb", "status", "event"), [
    ("pause", "suspended", "agent.suspended"), ("end", "retired", "agent.retired"),
])  # fmt: skip
def test_an_owner_stops_their_agent_and_no_other(world, bob, mine, other, verb, status, event):
    bob.go(world.url(f"{AGENTS}/{mine.agent_id}/{verb}"))
    bob.submit(bob.form(f"/{verb}"), {"reason": "It runs amok."})
    assert agent_of(world, mine).status == status
    (entry,) = world.entries(event)
    assert (entry.principal_id, entry.reason) == (world.people["bob"].pk, "It runs amok.")
    with leaves_only(world):
        assert send(world, bob, f"{AGENTS}/{other.agent_id}/{verb}") == 404


@spec("RFC 9700", "2.3")
def test_an_owner_turns_the_keys_of_their_agent_and_of_no_other(world, bob, mine, other):
    own = f"{AGENTS}/{mine.agent_id}/clients/{mine.pk}"
    bob.go(world.url(own))
    bob.submit(bob.form("/secrets"))
    assert "This is shown once" in bob.words() or bob.page.status_code == 200
    bob.go(world.url(f"{own}/credentials/sec_first/retire"))
    bob.submit(bob.form("/retire"))
    with context.use(world.tenant):
        kept = Client.objects.get(pk=mine.pk)
    assert len(kept.further_secrets) + bool(kept.client_secret) == 1
    theirs = f"{AGENTS}/{other.agent_id}/clients/{other.pk}"
    with leaves_only(world):
        for path in (f"{theirs}/secrets", f"{theirs}/keys", f"{theirs}/credentials/sec_first/retire"):
            assert send(world, bob, path) == 404, path
        # Another's client does not come in through the own agent.
        assert send(world, bob, f"{AGENTS}/{mine.agent_id}/clients/{other.pk}/secrets") == 404


@spec("RFC 9700", "2.3")
def test_what_makes_an_agent_more_or_wakes_it_stays_with_admins(world, bob, mine):
    own, client = f"{AGENTS}/{mine.agent_id}", f"{AGENTS}/{mine.agent_id}/clients/{mine.pk}"
    world.rewrite(mine.agent, status="suspended")
    with leaves_only(world):
        for path in (f"{own}/resume", f"{own}/restore", f"{own}/owners", f"{own}/ceiling", f"{client}/grants"):
            assert send(world, bob, path) == 403, path
        for path in ("/console/approvals", "/console/members", "/console/activity", f"{own}/owners"):
            assert bob.go(world.url(path)).status_code == 403, path
    bob.go(world.url(own))
    assert not [action for action in ("/resume", "/owners", "/ceiling") if f"{own}{action}" in bob.page.text]


@spec("RFC 9700", "2.3")
def test_whoever_no_longer_owns_it_has_no_page_at_once(world, bob, mine):
    assert bob.go(world.url(AGENTS)).status_code == 200
    world.rewrite(mine.agent, owner=world.people["ada"])
    for path in (AGENTS, "/console/delegations", f"{AGENTS}/{mine.agent_id}"):
        assert bob.go(world.url(path)).status_code == 403, path


@spec("RFC 9700", "2.3")
def test_the_api_lets_an_owner_do_the_same_and_no_more(world, mine, other):
    ask = asker(world, "bob", "agents:read agents:write credentials:read credentials:write")
    own, theirs = f"/agents/{mine.agent_id}", f"/agents/{other.agent_id}"
    assert [each["id"] for each in ask("GET", "/agents").json()["agents"]] == [mine.agent_id]
    keys = f"/clients/{mine.pk}/credentials"
    for path in ("", "/tokens", "/graph", keys):
        assert ask("GET", own + path).status_code == 200, path
        assert ask("GET", theirs + path).status_code == 404, path
    assert ask("POST", own + keys, {"kind": "secret"}).status_code == 201
    assert ask("DELETE", f"{own}{keys}/sec_first").status_code == 204
    with leaves_only(world):
        refused = [
            ask("POST", "/agents", {"name": "More", "owner": world.people["bob"].pk}),
            ask("PATCH", own, {"name": "Another"}),
            ask("POST", f"{own}/resume"),
            ask("POST", f"{own}/restore"),
        ]
        away = [ask("POST", f"{theirs}/pause"), ask("DELETE", theirs, {"reason": "why"})]
        away.append(ask("POST", f"{theirs}/clients/{other.pk}/credentials", {"kind": "secret"}))
    assert [{each.status_code for each in answers} for answers in (refused, away)] == [{403}, {404}]
    assert ask("POST", f"{own}/pause", {"reason": "look"}).json()["status"] == "suspended"
    assert ask("DELETE", own, {"reason": "over"}).json()["status"] == "retired"


@spec("RFC 9700", "2.3")
def test_whose_word_stands_for_an_agent_is_no_owners_to_say(world, mine):
    ask = asker(world, "bob", "credentials:write")
    with context.use(world.tenant):
        issuer = trust_actions.trust_issuer(
            "https://ci.example", by=SYSTEM, key_source="metadata", purposes=["workload"]
        )
    body = {"kind": "platform", "issuer": issuer.pk, "subject": "repo:a/b"}
    with leaves_only(world):
        answer = ask("POST", f"/agents/{mine.agent_id}/clients/{mine.pk}/credentials", body)
    assert answer.status_code == 403
