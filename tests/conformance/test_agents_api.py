"""Agents over REST: registered with an owner, changed, paused, ended, brought back, and weighed before."""

import pytest

from agents import actions as agent_actions
from agents.models import Agent
from audit.principals import SYSTEM
from kit import context
from tests.conformance.test_api import api_token
from tests.harness.footprint import leaves_only
from tests.harness.inside import counted
from tests.harness.world import make
from tests.spec import spec
from tokens import impact

SCOPES = "agents:read agents:write clients:read clients:write credentials:read credentials:write"
VERBS = ("pause", "resume", "restore")


@pytest.fixture(scope="module")
def world(origin, http):
    """One tenant for all of these: each test brings agents of its own, but for two that work together."""
    world = make(origin, http)
    world.team = world.secret_client("Planner"), world.helper()
    world.let_hand_on(*world.team)
    yield world
    world.close()


@pytest.fixture(scope="module")
def token(world):
    return api_token(world, world.public_client("Console app"), "ada", SCOPES)


@pytest.fixture
def ask(world, token):
    """Return a call of ada's, through an app that she lets do so."""

    def ask(method, path, body=None, *, bearer=token, **headers):
        headers = {"Authorization": f"Bearer {bearer}", **headers}
        return world.http.request(method, world.url(f"/api/v1/agents{path}"), headers=headers, json=body)

    return ask


@pytest.fixture
def agent(world, ask):
    """An agent that ada registered for bob."""
    made = ask("POST", "", {"name": "Ledger keeper", "owner": world.people["bob"].pk})
    assert made.status_code == 201, made.text
    return made.json()


def last(world, event):
    return world.entries(event)[-1]


@spec("RFC 9110", "9.3.1")
def test_an_agent_is_registered_read_listed_and_changed(world, ask, agent):
    place = f"/{agent['id']}"
    assert (agent["status"], agent["owner"], agent["co_owners"]) == ("active", world.people["bob"].pk, [])
    read = ask("GET", place)
    assert read.json() == agent
    found = ask("GET", "?q=ledger&status=active").json()["agents"]
    assert agent["id"] in {each["id"] for each in found}
    words = {
        "name": "Bookkeeper",
        "owner": world.people["alice"].pk,
        "co_owners": [world.people["bob"].pk],
        "successor": world.people["ada"].pk,
        "sponsor": world.people["ada"].pk,
    }
    changed = ask("PATCH", place, words, **{"If-Match": read.headers["etag"]})
    assert changed.status_code == 200, changed.text
    assert {name: changed.json()[name] for name in words} == words
    entry = last(world, "agent.changed")
    assert (entry.principal_id, entry.about_id) == (world.people["ada"].pk, agent["id"])
    assert entry.detail["changed"] == ["name", "owner", "sponsor", "successor", "co_owners"]
    assert f"owner: {world.people['bob'].pk}" in entry.detail["before"]
    cleared = ask("PATCH", place, {"sponsor": None, "co_owners": []}).json()
    assert (cleared["sponsor"], cleared["co_owners"], cleared["name"]) == (None, [], "Bookkeeper")
    with leaves_only(world):
        assert ask("PATCH", place, {"name": "Bookkeeper", "owner": words["owner"], "co_owners": []}).status_code == 200
        stale = ask("PATCH", place, {"name": "x"}, **{"If-Match": read.headers["etag"]})
    assert (stale.status_code, stale.json()["changed_by"]) == (412, world.people["ada"].pk)


@spec("RFC 9457", "3")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"owner": None}, 400),
        ({"owner": "usr_nobody"}, 400),
        ({"co_owners": ["usr_nobody"]}, 400),
        ({"name": ""}, 400),
        ({"name": "a\u202eb"}, 422),
        ({"successor": "the owner"}, 422),
        ({"owner": "gone"}, 422),
        ({"sponsor": "gone"}, 422),
    ],
)
def test_whoever_answers_for_an_agent_is_here_and_somebody_else_follows(world, ask, agent, words, code):
    ids = {"the owner": agent["owner"], "gone": world.people["alice"].pk}
    body = {name: ids.get(value, value) if isinstance(value, str) else value for name, value in words.items()}
    world.rewrite(world.people["alice"], status="suspended")
    with leaves_only(world):
        assert ask("PATCH", f"/{agent['id']}", body).status_code == code
        assert ask("POST", "", {"name": "New", "owner": agent["owner"], **body}).status_code == code
    world.rewrite(world.people["alice"], status="active")


@spec("RFC 9110", "9.3.1")
def test_nobody_registers_an_agent_without_an_owner(world, ask):
    with leaves_only(world):
        assert ask("POST", "", {"name": "Orphan"}).status_code == 400


@spec("RFC 9700", "2.3")
def test_it_is_paused_resumed_ended_and_restored_each_once(world, ask, agent):
    place = f"/{agent['id']}"
    told = []
    for method, path, body, status in (
        ("POST", "/pause", {"reason": "it is odd"}, "suspended"),
        ("POST", "/resume", {}, "active"),
        ("DELETE", "", {"reason": "not needed"}, "retired"),
        ("POST", "/restore", {"reason": "needed after all"}, "active"),
    ):
        tag = ask("GET", place).headers["etag"]
        with leaves_only(world):
            assert ask(method, f"{place}{path}", body, **{"If-Match": '"99"'}).status_code == 412
        done = ask(method, f"{place}{path}", body, **{"If-Match": tag})
        assert (done.status_code, done.json()["status"]) == (200, status), done.text
        with leaves_only(world):
            assert ask(method, f"{place}{path}", body).status_code == 409
        entry = world.entries()[-1]
        told.append((entry.event, entry.reason, entry.about_id, entry.principal_id))
    ada = world.people["ada"].pk
    assert told == [
        ("agent.suspended", "it is odd", agent["id"], ada),
        ("agent.resumed", "", agent["id"], ada),
        ("agent.retired", "not needed", agent["id"], ada),
        ("agent.restored", "needed after all", agent["id"], ada),
    ]


@spec("RFC 9700", "2.3")
def test_whoever_ends_an_agent_says_why_and_one_that_ended_is_not_changed(world, ask, agent):
    place = f"/{agent['id']}"
    with leaves_only(world):
        assert ask("DELETE", place).status_code == 422
    assert ask("DELETE", place, {"reason": "over"}).json()["restorable_until"]
    with leaves_only(world):
        assert ask("PATCH", place, {"name": "x"}).status_code == 409
        assert ask("POST", f"{place}/clients", {}).status_code == 409


@spec("RFC 9700", "2.3")
def test_an_agent_that_nobody_answers_for_is_not_resumed_before_somebody_does(world, ask):
    scout = world.public_client("Orphan")
    place = f"/{scout.client.agent_id}"
    assert ask("POST", f"{place}/pause").status_code == 200
    with leaves_only(world):
        refused = ask("POST", f"{place}/resume")
    assert (refused.status_code, "owner" in refused.json()["detail"]) == (422, True)
    assert ask("PATCH", place, {"owner": world.people["bob"].pk}).status_code == 200
    assert ask("POST", f"{place}/resume").json()["status"] == "active"


@spec("RFC 7662", "2.2")
def test_all_of_an_ended_agent_stops_at_once_and_comes_back_with_it(world, ask):
    scout = world.secret_client("Comes back")
    tokens = world.grant(scout)
    place = f"/{scout.client.agent_id}"
    ask("PATCH", place, {"owner": world.people["bob"].pk})
    assert ask("DELETE", place, {"reason": "a mistake"}).status_code == 200
    assert not world.is_active(tokens["access_token"])
    assert world.refresh(scout, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert ask("POST", f"{place}/restore").status_code == 200
    assert world.is_active(tokens["access_token"])
    assert world.refresh(scout, tokens["refresh_token"]).status_code == 200


@spec("RFC 9110", "9.2.1")
def test_a_dry_run_says_whom_and_what_a_verb_reaches_and_changes_nothing(world, ask):
    planner, helper = world.team
    token = world.grant(planner, "alice")["access_token"]
    world.grant(planner, "bob", resource=world.notes.identifier, scope="notes:read")
    assert world.exchange(helper, token).status_code == 200
    place = f"/{planner.client.agent_id}"
    with leaves_only(world):
        found = ask("DELETE", f"{place}?dry_run=true").json()
        assert ask("POST", f"{place}/restore?dry_run=true").json()["possible"] is False
        for odd in ("dry_run=yes", "dryrun=true", "dry_run=true&dry_run=true"):
            assert ask("POST", f"{place}/pause?{odd}").status_code == 400
    assert (found["dry_run"], found["verb"], found["possible"]) == (True, "retire", True)
    assert (found["people"], found["delegations"], found["tokens"], found["agents_working_for_it"]) == (2, 3, 3, 1)
    assert [each["name"] for each in found["people_named"]] == ["Alice", "Bob"]
    calendar, notes = found["resource_servers"]
    assert (calendar["name"], calendar["delegations"], calendar["tokens"], calendar["checks"]) == (
        "Calendar",
        2,
        2,
        "jwt",
    )
    assert (notes["name"], notes["delegations"], notes["tokens"]) == ("Notes", 1, 1)
    assert 0 < found["time_to_zero"] <= world.tenant.access_token_seconds
    assert calendar["accepted_until"]


@spec("RFC 9110", "9.2.1")
def test_weighing_an_agent_takes_one_query_whatever_it_holds(world):
    scout = world.public_client()
    with context.use(world.tenant):
        agent = Agent.objects.get(pk=scout.client.agent_id)
    costs = []
    for person in ("alice", "bob"):
        world.grant(scout, person)
        with context.use(world.tenant):
            found = impact.of_agent(agent, now=agent.created_at)
            with counted() as statements:
                found = impact.of_agent(agent, now=found.at)
        costs.append(len(statements))
    assert costs == [1, 1]
    assert found.people == 2


@spec("RFC 6750", "3.1")
def test_an_agents_own_token_reaches_no_agent(world, ask, agent):
    own = world.own_api_token(world.worker(), SCOPES)
    client = world.worker().client
    for method, path in (
        ("GET", ""),
        ("POST", ""),
        ("GET", f"/{agent['id']}"),
        ("PATCH", f"/{agent['id']}"),
        ("DELETE", f"/{agent['id']}"),
        *(("POST", f"/{agent['id']}/{verb}") for verb in VERBS),
        ("GET", f"/{client.agent_id}/clients"),
        ("POST", f"/{client.agent_id}/clients"),
        ("PATCH", f"/{client.agent_id}/clients/{client.pk}"),
        ("DELETE", f"/{client.agent_id}/clients/{client.pk}"),
        ("PUT", f"/{client.agent_id}/clients/{client.pk}/grants"),
        ("GET", f"/{client.agent_id}/clients/{client.pk}/credentials"),
        ("POST", f"/{client.agent_id}/clients/{client.pk}/credentials"),
        ("DELETE", f"/{client.agent_id}/clients/{client.pk}/credentials/sec_first"),
    ):
        with leaves_only(world):
            assert ask(method, path, {"reason": "x"}, bearer=own).status_code == 403, (method, path)


@spec("RFC 9700", "2.3")
def test_who_may_look_may_not_change_and_who_may_not_look_sees_nothing(world, ask, agent):
    for role, looks in (("auditor", 200), ("approver", 200), ("developer", 403), ("member", 403)):
        world.rewrite(world.people["ada"], role=role)
        assert ask("GET", f"/{agent['id']}").status_code == looks
        with leaves_only(world):
            assert ask("POST", f"/{agent['id']}/pause").status_code == 403
            assert ask("DELETE", f"/{agent['id']}?dry_run=true").status_code == 403
    world.rewrite(world.people["ada"], role="admin")


@spec("RFC 6750", "3.1")
def test_a_scope_of_one_noun_opens_no_other(world, ask, agent):
    reader = api_token(world, world.public_client("Reader"), "ada", "agents:read")
    assert ask("GET", f"/{agent['id']}", bearer=reader).status_code == 200
    for method, path in (("PATCH", ""), ("DELETE", ""), ("GET", "/clients"), ("POST", "/pause")):
        refused = ask(method, f"/{agent['id']}{path}", {}, bearer=reader)
        assert refused.status_code == 403
        assert "insufficient_scope" in refused.headers["www-authenticate"]


@spec("RFC 9700", "2.1")
def test_an_agent_of_another_tenant_is_not_there(world, ask, origin, http):
    other = make(origin, http)
    with context.use(other.tenant):
        client, _ = agent_actions.register_agent("Theirs", by=SYSTEM, owner=other.people["ada"])
    place = f"/{client.agent_id}"
    with leaves_only(other), leaves_only(world):
        for method, path in (
            ("GET", place),
            ("PATCH", place),
            ("DELETE", place),
            ("POST", f"{place}/pause"),
            ("GET", f"{place}/clients/{client.pk}"),
            ("POST", f"{place}/clients/{client.pk}/credentials"),
        ):
            assert ask(method, path, {"reason": "x", "kind": "secret"}).status_code == 404, (method, path)
        assert ask("POST", "", {"name": "x", "owner": other.people["ada"].pk}).status_code == 400
    other.close()
