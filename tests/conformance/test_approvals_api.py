"""Approvals over REST: listed, decided once, and never by an agent's own token."""

import pytest

from audit.principals import SYSTEM
from tenants import actions as tenant_actions
from tests.conformance.test_api import api_token, call
from tests.harness.footprint import leaves_only
from tests.spec import spec

SCOPES = "approvals:read approvals:decide"


@pytest.fixture
def token(world):
    """Ada's, through an app; then the tenant lets no stranger in without a decision."""
    token = api_token(world, world.public_client("Console app"), "ada", SCOPES)
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="admission")
    return token


def post(world, token, path, body=None, **headers):
    headers = {"Authorization": f"Bearer {token}", **headers}
    return world.http.post(world.url(f"/api/v1/approvals/{path}"), json=body or {}, headers=headers)


def one(world, token):
    (found,) = call(world, token, "/approvals?status=waiting").json()["approvals"]
    return found


@spec("RFC 7591", "5")
def test_a_question_is_read_and_decided_up_to_a_ceiling(world, token):
    scout = world.public_client()
    found = one(world, token)
    assert (found["kind"], found["agent_name"], found["client_id"]) == ("admission", "Scout", scout.id)
    read = call(world, token, f"/approvals/{found['id']}")
    said = {"owner": world.people["bob"].pk, "ceiling": {world.calendar.identifier: ["events:read"]}}
    answer = post(world, token, f"{found['id']}/approve", said, **{"If-Match": read.headers["etag"]})
    assert (answer.status_code, answer.json()["status"]) == (200, "approved")
    assert world.grant(scout)["scope"] == "events:read"
    (entry,) = world.entries("approval.given")
    assert (entry.principal_id, entry.detail["owner"]) == (world.people["ada"].pk, world.people["bob"].pk)


@spec("RFC 9110", "13.1.1")
def test_the_second_of_two_and_whoever_read_an_older_version_get_409_and_change_nothing(world, token):
    world.public_client()
    found = one(world, token)
    said = {"owner": world.people["ada"].pk, "ceiling": None}
    with leaves_only(world):
        assert post(world, token, f"{found['id']}/approve", said, **{"If-Match": '"7"'}).status_code == 409
    assert post(world, token, f"{found['id']}/approve", said).status_code == 200
    with leaves_only(world):
        assert post(world, token, f"{found['id']}/deny", {"reason": "no"}).status_code == 409


@spec("RFC 7591", "5")
def test_a_decision_is_taken_back_over_the_api_until_something_came_of_it(world, token):
    scout = world.public_client()
    found = one(world, token)
    post(world, token, f"{found['id']}/deny", {"reason": "not now"})
    assert post(world, token, f"{found['id']}/undo").json()["status"] == "waiting"
    post(world, token, f"{found['id']}/approve", {"owner": world.people["ada"].pk, "ceiling": None})
    world.grant(scout)
    assert post(world, token, f"{found['id']}/undo").status_code == 409


@spec("RFC 7591", "5")
@pytest.mark.parametrize("said", [{}, {"owner": "usr_nobody", "ceiling": None}, {"owner": 7, "ceiling": ["x"]}])
def test_a_decision_without_an_owner_or_that_cannot_be_read_changes_nothing(world, token, said):
    world.public_client()
    found = one(world, token)
    with leaves_only(world):
        assert post(world, token, f"{found['id']}/approve", said).status_code == 400


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize(
    ("role", "reads", "decides"), [("approver", 200, 200), ("auditor", 200, 403), ("member", 403, 403)]
)
def test_a_role_counts_when_it_is_used(world, token, role, reads, decides):
    world.public_client()
    found = one(world, token)
    world.rewrite(world.people["ada"], role=role)
    assert call(world, token, "/approvals").status_code == reads
    assert post(world, token, f"{found['id']}/deny", {"reason": "no"}).status_code == decides


@spec("RFC 6750", "3.1")
def test_an_agents_own_token_reaches_no_decision(world, token):
    world.public_client()
    found = one(world, token)
    own = world.own_api_token(world.worker(), SCOPES)
    assert call(world, own, "/approvals").status_code == 403
    with leaves_only(world):
        assert post(world, own, f"{found['id']}/deny", {"reason": "no"}).status_code == 403
