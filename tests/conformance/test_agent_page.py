"""An agent's page and its endpoint: the same effect, the same entry in the ledger, and one question at a time."""

import re

import pytest

from agents import actions as agent_actions
from agents import credentials
from agents.models import Agent, Client, CoOwner
from audit.principals import SYSTEM
from delegations.models import Delegation
from kit import context
from kit.oauth import GrantType
from tests.conformance.test_api import api_token
from tests.harness import many
from tests.harness.browser import Form
from tests.harness.footprint import leaves_only
from tests.harness.keyholder import Keyholder
from tests.harness.world import Credentials, make
from tests.spec import spec

SCOPES = "agents:read agents:write clients:read clients:write credentials:read credentials:write"
AGENTS = "/console/agents"
EXCHANGE = GrantType.TOKEN_EXCHANGE.value


@pytest.fixture(scope="module")
def world(origin, http):
    """One tenant for all of these: each test brings agents of its own."""
    world = make(origin, http)
    yield world
    world.close()


@pytest.fixture(scope="module")
def token(world):
    return api_token(world, world.public_client("Console app"), "ada", SCOPES)


@pytest.fixture(scope="module")
def ada(world):
    return world.browser("ada")


@pytest.fixture
def twins(world):
    """Two agents of bob's that are alike, with a client each: one for the page, one for its endpoint."""
    with context.use(world.tenant):
        made = [agent_actions.register_agent("Twin", by=SYSTEM, owner=world.people["bob"])[0] for _ in range(2)]
        return list(Client.objects.select_related("agent").filter(pk__in=[each.pk for each in made]).order_by("pk"))


def state(world, client):
    """Return what became of an agent and its client, but for ids, moments, digests and the keys themselves."""
    with context.use(world.tenant):
        agent = Agent.objects.get(pk=client.agent_id)
        found = Client.objects.get(pk=client.pk)
        held = [(each.kind, each.is_usable) for each in credentials.of(found)]
        further = list(CoOwner.objects.filter(agent=agent).values_list("member_id", flat=True))
    people = (agent.name, agent.owner_id, agent.sponsor_id, agent.successor_id, further)
    return people, agent.status, bool(agent.retired_at), found.grant_types, found.given_grants, held


def story(world, client):
    """Return what the ledger says that ada did to an agent and its client, but for the ids of credentials."""
    told = []
    for entry in world.entries():
        if entry.about_id in {client.pk, client.agent_id} and entry.principal_id == world.people["ada"].pk:
            detail = {name: "…" if name == "credential" else value for name, value in entry.detail.items()}
            told.append((entry.event, entry.principal_id, entry.about_kind, entry.reason, detail))
    return told


def changed(world, by_page, by_api):
    """Check that both did something, and the same."""
    assert state(world, by_page) == state(world, by_api)
    stories = [story(world, each) for each in (by_page, by_api)]
    assert stories[0] == stories[1] != []


def call(world, token, method, path, body=None):
    answer = world.http.request(
        method, world.url(f"/api/v1/agents{path}"), headers={"Authorization": f"Bearer {token}"}, json=body
    )
    assert answer.status_code < 300, answer.text
    return answer


def people(world):
    return {
        "owner": world.people["alice"].pk,
        "co_owners": [world.people["bob"].pk],
        "sponsor": world.people["ada"].pk,
        "successor": world.people["ada"].pk,
    }


@spec("RFC 9700", "2.3")
def test_who_answers_for_an_agent_is_changed_alike(world, token, ada, twins):
    page, api = twins
    ada.go(world.url(f"{AGENTS}/{page.agent_id}"))
    assert "Owner Bob" in ada.words()
    ada.go(world.url(f"{AGENTS}/{page.agent_id}/owners"))
    said = {"name": "Renamed", **people(world)}
    ada.submit(ada.form("/owners"), said)
    assert str(ada.page.url) == world.url(f"{AGENTS}/{page.agent_id}")
    for words in ("Owner Alice", "Further owners Bob", "Sponsor Ada", "Who follows Ada"):
        assert words in ada.words()
    call(world, token, "PATCH", f"/{api.agent_id}", said)
    changed(world, page, api)


@spec("RFC 9700", "2.3")
def test_an_agent_is_paused_resumed_ended_and_restored_alike(world, token, ada, twins):
    page, api = twins
    for verb, method, path in (
        ("pause", "POST", "/pause"),
        ("resume", "POST", "/resume"),
        ("end", "DELETE", ""),
        ("restore", "POST", "/restore"),
    ):
        ada.go(world.url(f"{AGENTS}/{page.agent_id}"))
        address = f"{AGENTS}/{page.agent_id}/{verb}"
        assert f'href="/t/{world.tenant.slug}{address}"' in ada.page.text
        with leaves_only(world):
            ada.go(world.url(address))
        ada.submit(ada.form(address), {"reason": f"why {verb}"})
        assert str(ada.page.url) == world.url(f"{AGENTS}/{page.agent_id}")
        call(world, token, method, f"/{api.agent_id}{path}", {"reason": f"why {verb}"})
        changed(world, page, api)


@spec("RFC 6749", "2.3.1")
def test_secrets_and_keys_come_and_go_alike(world, token, ada, twins):
    page, api = twins
    own = [f"/{each.agent_id}/clients/{each.pk}" for each in twins]
    key = Keyholder("x").jwks["keys"][0]
    ada.go(world.url(f"{AGENTS}{own[0]}"))
    ada.submit(ada.form("/secrets"))
    secret = re.search(r"<code>([\w-]{43})</code>", ada.page.text)[1]
    assert ada.page.headers["cache-control"] == "no-store"
    assert world.own_token(Credentials(page, secret)).json()["error"] == "unauthorized_client"
    assert secret not in ada.go(world.url(f"{AGENTS}{own[0]}")).text
    call(world, token, "POST", f"{own[1]}/credentials", {"kind": "secret", "overlap_days": 7})
    ada.go(world.url(f"{AGENTS}{own[0]}/keys"))
    ada.submit(ada.form("/keys"), {"jwk": str(key).replace("'", '"')})
    call(world, token, "POST", f"{own[1]}/credentials", {"kind": "key", "jwk": key})
    ada.go(world.url(f"{AGENTS}{own[0]}/credentials/sec_first/retire"))
    ada.submit(ada.form("/retire"))
    assert str(ada.page.url) == world.url(f"{AGENTS}{own[0]}")
    call(world, token, "DELETE", f"{own[1]}/credentials/sec_first")
    changed(world, page, api)


@spec("RFC 7591", "2")
def test_grants_are_given_alike(world, token, ada, twins):
    page, api = twins
    own = [f"/{each.agent_id}/clients/{each.pk}" for each in twins]
    ada.go(world.url(f"{AGENTS}{own[0]}"))
    ada.submit(ada.form("/grants"), {"grant": EXCHANGE})
    assert "Work with what other agents hand it" in ada.words()
    call(world, token, "PUT", f"{own[1]}/grants", {"grant_types": [EXCHANGE]})
    changed(world, page, api)


@spec("RFC 9700", "2.3")
def test_the_page_before_an_end_names_whom_and_what_it_reaches(world, ada):
    scout = world.public_client("Popular")
    for person in ("alice", "bob"):
        world.grant(scout, person)
    ada.go(world.url(f"{AGENTS}/{scout.client.agent_id}"))
    assert "Nobody answers for it." in ada.words()
    assert "Acting for 2 people" in ada.words()
    ada.go(world.url(f"{AGENTS}/{scout.client.agent_id}/end"))
    said = ada.words()
    for words in ("End Popular?", "2 people for whom it acts: Alice, Bob", "2 tokens that are good now", "Calendar"):
        assert words in said, said
    with leaves_only(world):
        ada.submit(ada.form("/end"), {"reason": " "})
    assert (ada.page.status_code, "says why" in ada.words()) == (422, True)


@spec("RFC 9110", "13.1.1")
def test_whoever_read_an_older_state_is_asked_to_look_again(world, ada, twins):
    page, _ = twins
    ada.go(world.url(f"{AGENTS}/{page.agent_id}/owners"))
    form = ada.form("/owners")
    ada.go(world.url(f"{AGENTS}/{page.agent_id}/end"))
    ending = ada.form("/end")
    world.rewrite(page.agent, version=99)
    with leaves_only(world):
        for each, fill in ((form, people(world)), (ending, {"reason": "why"})):
            ada.submit(each, fill)
            assert (ada.page.status_code, "Look again." in ada.words()) == (409, True)


@spec("RFC 9700", "2.3")
def test_an_agent_without_an_owner_is_resumed_once_it_has_one(world, ada):
    agent = world.public_client("Orphan").client.agent
    world.rewrite(agent, status="suspended")
    place = f"{AGENTS}/{agent.pk}"
    ada.go(world.url(f"{place}/resume"))
    with leaves_only(world):
        ada.submit(ada.form("/resume"))
    assert (ada.page.status_code, "Choose an owner first." in ada.words()) == (422, True)
    ada.go(world.url(f"{place}/owners"))
    ada.submit(ada.form("/owners"), {"owner": world.people["bob"].pk})
    ada.go(world.url(f"{place}/resume"))
    ada.submit(ada.form("/resume"))
    assert "Active" in ada.words()


@spec("RFC 6749", "2.3.1")
def test_the_last_way_in_takes_a_tick_and_a_private_key_is_not_shown_again(world, ada, twins):
    page, _ = twins
    own = f"{AGENTS}/{page.agent_id}/clients/{page.pk}"
    ada.go(world.url(f"{own}/credentials/sec_first/retire"))
    assert "It is the last way in" in ada.words()
    with leaves_only(world):
        ada.submit(ada.form("/retire"))
        assert ada.page.status_code == 409
        ada.go(world.url(f"{own}/keys"))
        key = Keyholder("x").private
        for pasted in (str(key).replace("'", '"'), "no JSON at all", "[]"):
            ada.submit(ada.form("/keys"), {"jwk": pasted})
            assert ada.page.status_code == 422
            assert key["d"] not in ada.page.text
    ada.go(world.url(f"{own}/credentials/sec_first/retire"))
    ada.submit(ada.form("/retire"), {"even_if_last": "yes"})
    assert str(ada.page.url) == world.url(own)
    assert "Add a secret" in ada.words()


@spec("RFC 9700", "2.1")
def test_who_looks_after_the_tenant_looks_and_only_an_admin_changes(world, twins):
    page, _ = twins
    agent, own = f"{AGENTS}/{page.agent_id}", f"{AGENTS}/{page.agent_id}/clients/{page.pk}"
    with context.use(world.tenant):  # What is bob's own, bob looks after without any role: test_owners_pages.
        Agent.objects.filter(owner=world.people["bob"]).update(owner=world.people["ada"])
        CoOwner.objects.filter(member=world.people["bob"]).delete()
    bob = world.browser("bob")
    bob.go(world.url("/logout"))
    sent = [("csrfmiddlewaretoken", dict(bob.form("/logout").fields)["csrfmiddlewaretoken"])]
    for role, looks in (("auditor", 200), ("approver", 200), ("developer", 403), ("member", 403)):
        world.rewrite(world.people["bob"], role=role)
        for path in (agent, own):
            bob.go(world.url(path))
            assert bob.page.status_code == looks
            assert [form for form in bob.forms() if form.method == "post"] == []
            assert "/end" not in bob.page.text
        for path in (f"{agent}/end", f"{agent}/owners", f"{own}/keys", f"{own}/credentials/sec_first/retire"):
            assert bob.go(world.url(path)).status_code == 403
        with leaves_only(world):
            for path in (f"{agent}/end", f"{agent}/owners", f"{own}/secrets", f"{own}/grants"):
                bob.submit(Form(f"/t/{world.tenant.slug}{path}", "post", sent))
                assert bob.page.status_code == 403
    world.rewrite(world.people["bob"], role="member")


@spec("RFC 9700", "2.3")
def test_an_agent_of_many_people_ends_once_somebody_counted_them(world, ada):
    agent = many.delegations(world, 26, name="Crowd")
    ada.go(world.url(f"{AGENTS}/{agent.pk}/end"))
    asked = ada.form("/end")
    assert dict(asked.fields)["number"] == ""
    with leaves_only(world):
        for number, status, words in (("", 422, "required"), ("25", 409, "Another number matches")):
            ada.submit(asked, {"reason": "over", "number": number})
            assert (ada.page.status_code, words in ada.words()) == (status, True), number
    ada.submit(ada.form("/end"), {"reason": "over", "number": "26"})
    with context.use(world.tenant):
        assert Agent.objects.get(pk=agent.pk).status == "retired"


@spec("RFC 9700", "2.3")
def test_of_a_few_people_a_click_is_enough_until_there_are_others(world, ada):
    agent = many.delegations(world, 2, name="Pair")
    ada.go(world.url(f"{AGENTS}/{agent.pk}/end"))
    asked = ada.form("/end")
    with context.use(world.tenant):
        gone = Delegation.objects.filter(agent=agent).first()
        Delegation.objects.filter(pk=gone.pk).update(ended_at=gone.created_at)
    with leaves_only(world):
        ada.submit(asked, {"reason": "over"})
        assert (ada.page.status_code, "press again" in ada.words()) == (409, True)
    ada.submit(ada.form("/end"), {"reason": "over"})
    with context.use(world.tenant):
        assert Agent.objects.get(pk=agent.pk).status == "retired"
