"""Many agents at once: each is paused, resumed or given away on its own, on the page of the list and over the API."""

import re

import pytest

from agents.models import Agent
from delegations.models import Delegation
from kit import context
from tests.conformance.test_api import api_token
from tests.harness import many
from tests.harness.footprint import leaves_only
from tests.harness.world import make
from tests.spec import spec

AGENTS, MANY = "/console/agents", "/console/agents/many"


@pytest.fixture(scope="module")
def world(origin, http):
    world = make(origin, http)
    yield world
    world.close()


@pytest.fixture(scope="module")
def ada(world):
    return world.browser("ada")


@pytest.fixture(scope="module")
def api(world):
    token = api_token(world, world.public_client("Console app"), "ada", "agents:read agents:write")

    def ask(path, body, **headers):
        headers = {"Authorization": f"Bearer {token}", **headers}
        return world.http.post(world.url(f"/api/v1/agents/{path}"), headers=headers, json=body)

    return ask


@pytest.fixture
def three(world):
    """Two agents that act and one that is paused, all alice's."""
    with context.use(world.tenant):
        alice = world.people["alice"]
        return [
            Agent.objects.create(name="Trio", owner=alice, status=each) for each in ("active", "active", "suspended")
        ]


def chosen(world, agents, verb):
    ids = "".join(f"&ids={each.pk}" for each in agents)
    return world.url(f"{MANY}?chosen=rows&verb={verb}{ids}")


def read(world, agents):
    with context.use(world.tenant):
        found = Agent.objects.in_bulk([each.pk for each in agents])
        return [(found[each.pk].status, found[each.pk].owner_id) for each in agents]


def entries(world, kind, agents):
    ids = {each.pk for each in agents}
    return [each for each in world.entries(kind) if each.about_id in ids]


@spec("RFC 9700", "2.1")
def test_of_those_that_were_ticked_each_that_acts_is_paused_with_an_entry_of_its_own(world, ada, three):
    ada.go(chosen(world, three, "pause"))
    assert "Pause these agents?" in ada.words()
    assert ada.words().count("It does not act, so that it cannot be paused.") == 1
    ada.submit(ada.form(""), {"reason": "an incident"})
    assert (ada.page.status_code, "Passed over" in ada.words()) == (200, True)
    assert [status for status, _ in read(world, three)] == ["suspended"] * 3
    written = entries(world, "agent.suspended", three)
    assert {(each.about_id, each.reason) for each in written} == {(each.pk, "an incident") for each in three[:2]}
    ada.go(chosen(world, three, "resume"))
    ada.submit(ada.form(""), {"reason": "it is over"})
    assert [status for status, _ in read(world, three)] == ["active"] * 3
    assert len(entries(world, "agent.resumed", three)) == 3


@spec("RFC 9700", "2.1")
def test_many_are_given_to_another_owner_and_what_ended_is_passed_over(world, ada, api, three):
    bob, alice = world.people["bob"].pk, world.people["alice"].pk
    world.rewrite(three[2], status="retired")
    ada.go(chosen(world, three, "owner"))
    ada.submit(ada.form(""), {"owner": bob})
    assert [owner for _, owner in read(world, three)] == [bob, bob, alice]
    answer = api("bulk-owner", {"ids": [each.pk for each in three], "owner": alice})
    assert answer.status_code == 200, answer.text
    assert answer.json()["done"] == [each.pk for each in three[:2]]
    assert answer.json()["passed_over"] == [{"agent": three[2].pk, "why": "It ended."}]
    page, endpoint = (entries(world, "agent.changed", [each]) for each in three[:2])
    assert [each.detail["changed"] for each in page] == [each.detail["changed"] for each in endpoint] == [["owner"]] * 2


@spec("RFC 9700", "2.1")
def test_the_endpoint_foresees_and_does_the_same(world, api, three):
    ids = [each.pk for each in three]
    with leaves_only(world):
        first = api("bulk-pause", {"ids": ids, "dry_run": True}).json()
    assert (first["possible"], [each["possible"] for each in first["agents"]]) == (2, [True, True, False])
    with leaves_only(world):
        moved = api("bulk-pause", {"ids": ids, "expect": 3})
        assert moved.status_code == 409, moved.text
        assert api("bulk-pause", {"filter": {"q": "Trio"}}).status_code == 400
        assert api("bulk-pause", {"filter": {"colour": "red"}, "expect": 1}).status_code == 400
        assert api("bulk-pause", {"ids": ["nobody"]}).status_code == 409
    key = {"Idempotency-Key": f"once {ids[0]}"}
    answers = [api("bulk-pause", {"ids": ids, "reason": "look", "expect": 2}, **key) for _ in range(2)]
    assert (
        answers[0].json()
        == answers[1].json()
        == {
            "done": ids[:2],
            "passed_over": [{"agent": ids[2], "why": "It does not act, so that it cannot be paused."}],
        }
    )
    assert len(entries(world, "agent.suspended", three)) == 2


@spec("RFC 9700", "2.1")
def test_agents_of_many_people_are_paused_once_somebody_counted_them(world, ada):
    agent = many.delegations(world, 26, name="Busy")
    ada.go(chosen(world, [agent], "pause"))
    assert dict(ada.form("").fields)["number"] == ""
    with leaves_only(world):
        assert ada.submit(ada.form(""), {"reason": "look", "number": "25"}).status_code == 409
    ada.submit(ada.form(""), {"reason": "look", "number": "26"})
    assert read(world, [agent])[0][0] == "suspended"


@spec("RFC 9700", "2.1")
def test_whoever_ticked_nothing_is_told_so_and_does_nothing(world, ada, three):
    ada.go(chosen(world, [], "pause"))
    assert "No agent was chosen." in ada.words()
    with leaves_only(world):
        assert ada.submit(ada.form(""), {"reason": "look"}).status_code == 409


@spec("RFC 9700", "2.1")
def test_agents_of_another_tenant_are_passed_by(world, ada, three, origin, http):
    other = make(origin, http)
    with context.use(other.tenant):
        stranger = Agent.objects.create(name="Stranger", owner=other.people["alice"])
    ada.go(chosen(world, [stranger], "pause"))
    with leaves_only(world):
        assert ada.submit(ada.form(""), {"reason": "look"}).status_code == 409
    assert read(other, [stranger])[0][0] == "active"
    other.close()


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize(("path", "to"), [(AGENTS, MANY), ("/console/delegations", "/console/delegations/end")])
def test_rows_are_ticked_without_scripts_all_of_a_page_by_a_link(world, ada, path, to):
    many.delegations(world, 2, name="Rows")
    ada.go(world.url(f"{path}?q=Rows"))
    form = next(each for each in ada.forms() if each.action.endswith(to))
    assert form.method == "get"
    assert ada.page.text.count('form="chosen"') == ada.page.text.count("Choose Rows") > 0
    ticked = re.compile(r'<input[^>]* form="chosen"[^>]* checked>')
    assert not ticked.search(ada.page.text)
    ada.go(world.url(f"{path}?q=Rows&ticked=page"))
    assert len(ticked.findall(ada.page.text)) == ada.page.text.count('form="chosen"')
    assert "Choose none" in ada.words()
    world.rewrite(world.people["bob"], role="auditor")
    bob = world.browser("bob")
    assert 'form="chosen"' not in bob.go(world.url(f"{path}?q=Rows")).text
    world.rewrite(world.people["bob"], role="member")


@spec("RFC 9700", "2.1")
def test_who_looks_after_the_tenant_without_deciding_does_none_of_it(world, three):
    world.rewrite(world.people["bob"], role="auditor")
    assert world.browser("bob").go(chosen(world, three, "pause")).status_code == 403
    token = api_token(world, world.public_client("Reader app"), "bob", "agents:read agents:write")
    answer = world.http.post(
        world.url("/api/v1/agents/bulk-pause"),
        headers={"Authorization": f"Bearer {token}"},
        json={"ids": [each.pk for each in three]},
    )
    assert answer.status_code == 403
    world.rewrite(world.people["bob"], role="member")


@spec("RFC 9700", "2.1")
def test_agents_that_can_write_are_those_that_hold_something_alive_that_changes_things(world, ada):
    _, ended, writes = (many.delegations(world, 1, name=f"Hand {number}") for number in range(3))
    with context.use(world.tenant):
        for agent in (ended, writes):
            Delegation.objects.filter(agent=agent).update(scopes=["events:read", "events:write"])
        held = Delegation.objects.filter(agent=ended)
        held.update(ended_at=held.get().created_at)
    ada.go(world.url(f"{AGENTS}?q=Hand"))
    assert "can_write=true" in ada.page.text
    for word, names in (("true", {"Hand 2"}), ("false", {"Hand 0", "Hand 1"})):
        ada.go(world.url(f"{AGENTS}?q=Hand&can_write={word}"))
        assert {each for each in ("Hand 0", "Hand 1", "Hand 2") if f"Choose {each}" in ada.page.text} == names
