"""The console's buttons at an agent: who may press them, what they stop, and who is told."""

import re

import pytest

from agents import admission
from agents.models import Agent, Approval
from kit import context
from tests.harness import domains
from tests.harness.browser import Form
from tests.harness.footprint import leaves_only
from tests.harness.world import make
from tests.spec import spec

AGENTS = "/console/agents"
ROLES = ("admin", "security")
OTHERS = ("approver", "auditor", "developer", "member")


@pytest.fixture
def agent(world):
    with context.use(world.tenant):
        return Agent.objects.create(name="Scout", owner=world.people["alice"])


@pytest.fixture
def ada(world, agent):
    """Ada's browser with the list of agents open."""
    browser = world.browser("ada")
    browser.go(world.url(AGENTS))
    return browser


def status(world, agent):
    with context.use(world.tenant):
        return Agent.objects.get(pk=agent.pk).status


def buttons(browser):
    """Return the verbs on agents that the open page offers."""
    verbs = [form for form in browser.forms() if form.method == "post" and f"{AGENTS}/" in form.action]
    return [form.action.rpartition("/")[2].partition("?")[0] for form in verbs]


def press(world, browser, agent_id, verb, *, token=None):
    """Send what a button would, also where the page offers none."""
    browser.go(world.url("/logout"))
    token = dict(browser.form("/logout").fields)["csrfmiddlewaretoken"] if token is None else token
    form = Form(f"/t/{world.tenant.slug}{AGENTS}/{agent_id}/{verb}", "post", [("csrfmiddlewaretoken", token)])
    return browser.submit(form)


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize("role", ROLES)
def test_an_admin_pauses_an_agent_and_lets_it_act_again(world, agent, role):
    world.rewrite(world.people["bob"], role=role)
    bob = world.browser("bob")
    bob.go(world.url(AGENTS))
    assert buttons(bob) == ["pause"]
    bob.submit(bob.form("/pause"))
    assert (bob.page.status_code, str(bob.page.url)) == (200, world.url(AGENTS))
    assert (status(world, agent), buttons(bob)) == ("suspended", ["resume"])
    assert "Scout Paused" in bob.words()
    bob.submit(bob.form("/resume"))
    assert (status(world, agent), buttons(bob)) == ("active", ["pause"])
    paused, resumed = *world.entries("agent.suspended"), *world.entries("agent.resumed")
    for entry in (paused, resumed):
        assert (entry.principal_id, entry.about_id) == (world.people["bob"].pk, agent.pk)
        assert entry.reason == "", "nobody said why"


@spec("RFC 9700", "2.1")
def test_a_paused_agent_has_no_tokens_until_it_is_resumed(world):
    client = world.public_client()
    world.rewrite(client.client.agent, owner=world.people["alice"])
    tokens = world.grant(client)
    ada = world.browser("ada")
    ada.go(world.url(AGENTS))
    assert world.is_active(tokens["access_token"])
    ada.submit(ada.form("/pause"))
    assert not world.is_active(tokens["access_token"])
    assert world.refresh(client, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    ada.submit(ada.form("/resume"))
    assert world.refresh(client, tokens["refresh_token"]).status_code == 200


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize("verb", ["pause", "resume"])
@pytest.mark.parametrize("role", OTHERS)
def test_whoever_is_no_admin_sees_no_button_and_presses_none(world, agent, role, verb):
    with context.use(world.tenant):
        Agent.objects.filter(pk=agent.pk).update(status="active" if verb == "pause" else "suspended")
    world.rewrite(world.people["bob"], role=role)
    bob = world.browser("bob")
    bob.go(world.url(AGENTS))
    assert buttons(bob) == []
    with leaves_only(world):
        assert press(world, bob, agent.pk, verb).status_code == 403
    world.rewrite(world.people["bob"], role="admin")
    assert press(world, bob, agent.pk, verb).status_code == 200
    assert status(world, agent) == ("suspended" if verb == "pause" else "active")


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_an_agent_of_another_tenant_is_not_there(world, agent, origin, http, verb):
    other = make(origin, http)
    with context.use(other.tenant):
        status_then = "active" if verb == "pause" else "suspended"
        theirs = Agent.objects.create(name="Scout", owner=other.people["alice"], status=status_then)
    ada = world.browser("ada")
    with leaves_only(other), leaves_only(world):
        assert press(world, ada, theirs.pk, verb).status_code == 404
        assert press(world, ada, "agt_nobody", verb).status_code == 404
    assert press(other, other.browser("ada"), theirs.pk, verb).status_code == 200
    assert status(other, theirs) == ("suspended" if verb == "pause" else "active")
    other.close()


@spec("RFC 9700", "2.1")
def test_whoever_is_signed_in_elsewhere_is_sent_to_sign_in(world, agent, ada, origin, http):
    other = make(origin, http)
    stranger = other.browser("ada")
    stranger.go(world.url("/login"))
    token = dict(stranger.form("/login").fields)["csrfmiddlewaretoken"]
    with leaves_only(world):
        form = Form(f"/t/{world.tenant.slug}{AGENTS}/{agent.pk}/pause", "post", [("csrfmiddlewaretoken", token)])
        stranger.submit(form)
    assert stranger.page.url.path.endswith("/login")
    other.close()


@spec("RFC 9700", "4.7")
def test_a_button_of_another_page_pauses_nothing(world, agent, ada):
    with leaves_only(world):
        assert press(world, ada, agent.pk, "pause", token="x" * 64).status_code == 403
        assert ada.go(world.url(f"{AGENTS}/{agent.pk}/pause")).status_code == 200
    assert press(world, ada, agent.pk, "pause").status_code == 200


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize(("now", "verb"), [("suspended", "pause"), ("active", "resume")])
def test_what_is_so_already_stays_so_and_is_not_told_twice(world, agent, ada, now, verb):
    with context.use(world.tenant):
        Agent.objects.filter(pk=agent.pk).update(status=now)
    with leaves_only(world):
        assert press(world, ada, agent.pk, verb).status_code == 200


@spec("RFC 9700", "2.1")
def test_who_waits_for_a_decision_is_paused_too_and_an_approval_alone_does_not_let_it_go_on(world, agent, ada):
    with context.use(world.tenant):
        Agent.objects.filter(pk=agent.pk).update(status="pending")
        admission.ask_about(Agent.objects.get(pk=agent.pk), None)
    assert press(world, ada, agent.pk, "pause").status_code == 200
    with context.use(world.tenant):
        person, question = world.people["ada"], Approval.objects.get()
        admission.approve(question, by=person, owner=person, ceiling=None)
        assert Agent.objects.get(pk=agent.pk).status == "suspended"
    assert press(world, ada, agent.pk, "resume").status_code == 200
    with context.use(world.tenant):
        assert Agent.objects.get(pk=agent.pk).status == "active"


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize("now", ["denied", "retired"])
def test_who_never_will_act_has_no_button(world, agent, ada, now):
    with context.use(world.tenant):
        Agent.objects.filter(pk=agent.pk).update(status=now)
    ada.go(world.url(AGENTS))
    assert "Scout" in ada.words()
    assert buttons(ada) == []
    with leaves_only(world):
        for verb in ("pause", "resume"):
            assert press(world, ada, agent.pk, verb).status_code == 200


@spec("RFC 9700", "2.1")
def test_the_list_stays_narrowed_and_at_its_place(world, agent, ada):
    query = "q=%27%3E%26scout&status=&before=agt_zzzzzzzzzzzzzzzzzzzzzzzzzz"
    with context.use(world.tenant):
        Agent.objects.filter(pk=agent.pk).update(name="'>&scout")
    ada.go(world.url(f"{AGENTS}?{query}"))
    ada.submit(ada.form("/pause"))
    assert str(ada.page.url) == world.url(f"{AGENTS}?{query}")
    assert buttons(ada) == ["resume"]


@spec("ID-JAG", "9.3")
def test_what_a_pause_ends_at_another_company_is_told_there(world, origin, http):
    across = domains.make(world, make(origin, http))
    token = across.cross()
    assert across.globex.is_active(token)
    ada = world.browser("ada")
    ada.go(world.url(f"{AGENTS}?q=scout"))
    ada.submit(ada.form("/pause"))
    assert not across.globex.is_active(token)
    alice = across.globex.browser("alice")
    alice.go(across.globex.url("/me/agents"))
    assert "No agent acts for you." in alice.words()
    alice.go(across.globex.url("/me/agents/past"))
    assert re.search(r"Scout there uses Calendar .* Ended \d.* by Acme ", alice.words())
    across.globex.close()
