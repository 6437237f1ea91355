"""The API for agents: who it is, for whom it acts, and giving one back."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from agents import actions as agent_actions
from api.problem_kinds import ADVICE
from audit.principals import SYSTEM
from delegations.models import Delegation
from kit import context
from tenants.models import ResourceServer
from tests.harness import raw
from tests.harness.footprint import leaves_only
from tests.spec import spec

SCOPES = "self:read delegations:read delegations:end"


@pytest.fixture
def scout(world):
    return world.public_client()


def the_api(world):
    with context.use(world.tenant):
        return ResourceServer.objects.get(identifier=world.tenant.api_identifier)


def api_token(world, who, person="alice", scopes=SCOPES):
    """Return an access token for the API, of a consent to all of its scopes."""
    ticked = [f"{the_api(world).pk} {scope}" for scope in scopes.split()]
    granted = world.grant(who, person, resource=world.tenant.api_identifier, scope=scopes, tick=ticked)
    return granted["access_token"]


def call(world, token, path="/self", method="GET", **headers):
    return world.http.request(
        method, world.url(f"/api/v1{path}"), headers={"Authorization": f"Bearer {token}", **headers}
    )


def problem(response, status, title):
    """Check a refusal: problem details that name nothing but themselves and the request."""
    found = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert found.pop("instance") == f"urn:remit:request:{response.headers['x-request-id']}"
    issuer = str(response.request.url).partition("/api/")[0]
    kind = f"{issuer}/errors/{ADVICE[title][0]}" if title in ADVICE else "about:blank"
    assert found == {"type": kind, "title": title, "status": status}
    assert response.status_code == status
    return response.headers.get("www-authenticate", "")


UNAUTHENTICATED = (401, "A token for this API is needed")
ABSENT = (404, "There is no such thing here")


@spec("RFC 9700", "2.3")
def test_self_says_who_the_agent_is_and_for_whom_it_may_act(world, scout):
    token = api_token(world, scout)
    found = call(world, token).json()
    alice = world.people["alice"].pk
    assert (found["subject"], found["client_id"], found["issuer"]) == (alice, scout.id, world.tenant.issuer)
    assert found["agent"] == {"id": scout.client.agent.pk, "name": "Scout", "status": "active"}
    assert found["scopes"] == sorted(SCOPES.split())
    (delegation,) = found["delegations"]
    assert (delegation["resource"], delegation["subject"]) == (world.tenant.api_identifier, alice)
    assert delegation["sentence"].startswith("Scout may see who it is and for whom it acts")
    assert "for Alice, until" in delegation["sentence"]


@spec("RFC 9700", "2.3")
def test_an_agent_for_a_person_sees_what_it_holds_of_that_person_alone(world, scout):
    world.grant(scout, "alice")
    world.grant(scout, "bob")
    world.grant(world.public_client("Other"), "alice")
    token = api_token(world, scout)
    seen = {each["id"] for each in call(world, token, "/delegations").json()["delegations"]}
    alice = world.people["alice"].pk
    assert seen == {
        each.pk for each in world.delegations() if each.subject == alice and each.agent_id == scout.client.agent_id
    }
    assert len(seen) == 2


@spec("RFC 9700", "2.3")
def test_an_agent_that_acts_for_itself_sees_all_that_it_holds(world):
    worker, other = (world.worker(SCOPES, the_api(world)) for _ in range(2))
    token = world.own_token(worker, resource=world.tenant.api_identifier, scope=SCOPES).json()["access_token"]
    (only,) = call(world, token, "/delegations").json()["delegations"]
    assert only["subject"] == worker.client.agent.pk
    hidden = next(each for each in world.delegations() if each.agent_id == other.client.agent_id)
    with leaves_only(world):
        problem(call(world, token, f"/delegations/{hidden.pk}", "DELETE"), *ABSENT)


@spec("RFC 6750", "3.1")
@pytest.mark.parametrize("path", ["/delegations/{}", "/delegations/{}?x=1"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("whose", ["bob's", "another agent's", "nobody's"])
def test_what_an_agent_does_not_hold_is_not_there(world, scout, path, method, whose):
    token = api_token(world, scout)
    world.grant(scout if whose == "bob's" else world.public_client("Other"), "bob" if whose == "bob's" else "alice")
    hidden = world.delegations()[-1].pk if whose != "nobody's" else "dlg_00000000000000000000000000"
    with leaves_only(world):
        problem(call(world, token, path.format(hidden), method), *ABSENT)


@spec("RFC 6750", "3.1")
@pytest.mark.parametrize("odd", ["%00", "a%00b", "..", "%2e%2e", "'", "%ff", "x" * 3000, "dlg_%E2%80%8B"])
def test_an_odd_id_is_not_there_either(world, scout, odd):
    token = api_token(world, scout)
    target = f"/t/{world.tenant.slug}/api/v1/delegations/{odd}"
    with leaves_only(world):
        answer = raw.send(world.origin, target, {"Authorization": f"Bearer {token}"}, method="DELETE")
    assert answer.status == 404


@spec("RFC 7009", "2.1")
def test_an_agent_gives_back_what_it_holds_and_is_refused_from_then_on(world, scout):
    tokens = world.grant(scout)
    own = api_token(world, scout)
    calendar = next(each for each in world.delegations() if each.audience == world.calendar.identifier)
    response = call(world, own, f"/delegations/{calendar.pk}", "DELETE")
    receipt = response.json()
    assert (response.status_code, receipt["delegation"], receipt["delegations_ended"]) == (200, calendar.pk, 1)
    assert receipt["token_families_ended"] == 1
    (left,) = receipt["tokens"]
    assert (left["resource"], left["checks"], left["tokens"]) == (world.calendar.identifier, "jwt", 1)
    assert 0 < receipt["time_to_zero"] <= world.tenant.access_token_seconds
    assert world.refresh(scout, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert not world.is_active(tokens["access_token"])
    assert call(world, own).status_code == 200
    problem(call(world, own, f"/delegations/{calendar.pk}", "DELETE"), *ABSENT)
    (entry,) = world.entries("delegation.ended")
    assert (entry.principal_id, entry.reason) == (scout.client.agent.pk, "given back by the agent")


@spec("RFC 7009", "2.1")
def test_given_back_twice_at_once_it_ends_once(world, scout):
    world.grant(scout)
    own = api_token(world, scout)
    calendar = next(each for each in world.delegations() if each.audience == world.calendar.identifier)
    with ThreadPoolExecutor(4) as pool:
        path = f"/delegations/{calendar.pk}"
        codes = [answer.status_code for answer in pool.map(lambda _: call(world, own, path, "DELETE"), range(4))]
    assert codes.count(200) == 1
    assert set(codes) <= {200, 404, 409}
    assert len(world.entries("delegation.ended")) == 1


@spec("RFC 6750", "3.1")
@pytest.mark.parametrize(
    ("held", "method", "path", "needed"),
    [
        ("delegations:read", "GET", "/self", "self:read"),
        ("self:read", "GET", "/delegations", "delegations:read"),
        ("self:read delegations:read", "DELETE", "/delegations/{}", "delegations:end"),
    ],
)
def test_a_scope_that_is_missing_is_named_with_where_to_ask_for_it(world, scout, held, method, path, needed):
    token = api_token(world, scout, scopes=held)
    with leaves_only(world):
        response = call(world, token, path.format(world.delegations()[0].pk), method)
    challenge = problem(response, 403, "The token lacks a scope")
    assert 'error="insufficient_scope"' in challenge
    assert re.search(r'[ ,]scope="(.*?)"', challenge)[1] == needed
    assert "/.well-known/oauth-protected-resource/" in re.search(r'resource_metadata="(.*?)"', challenge)[1]


@spec("RFC 6750", "3.1")
@pytest.mark.parametrize("token", ["x", "eyJhbGciOiJub25lIn0.e30.", "x" * 9000])
def test_a_forged_token_is_invalid_and_says_so(world, token):
    with leaves_only(world):
        challenge = problem(call(world, token), *UNAUTHENTICATED)
    assert 'error="invalid_token"' in challenge
    assert "resource_metadata=" in challenge


@spec("RFC 6750", "2.3")
def test_a_token_in_the_query_or_in_basic_is_none(world, scout):
    token = api_token(world, scout)
    problem(world.http.get(world.url("/api/v1/self"), params={"access_token": token}), *UNAUTHENTICATED)
    problem(world.http.get(world.url("/api/v1/self"), auth=("x", token)), *UNAUTHENTICATED)


@spec("RFC 9068", "4")
@pytest.mark.parametrize("kind", ["id_token", "refresh_token", "userinfo", "calendar"])
def test_tokens_that_were_made_for_something_else_are_no_tokens_here(world, scout, kind):
    if kind == "calendar":
        token = world.grant(scout)["access_token"]
    else:
        tokens = world.grant(scout, scope="openid offline_access", resource=None)
        token = tokens["access_token" if kind == "userinfo" else kind]
    problem(call(world, token), *UNAUTHENTICATED)


@spec("RFC 7662", "2.2")
def test_a_paused_agent_is_refused_at_once(world, scout):
    token = api_token(world, scout)
    with context.use(world.tenant):
        agent_actions.suspend_agent(scout.client.agent, by=SYSTEM, reason="test")
    problem(call(world, token), *UNAUTHENTICATED)


@spec("RFC 9110", "15.5.6")
@pytest.mark.parametrize(("method", "path"), [("POST", "/self"), ("PUT", "/delegations"), ("PATCH", "/delegations/x")])
def test_methods_that_mean_nothing_here_are_refused(world, scout, method, path):
    token = api_token(world, scout)
    with leaves_only(world):
        response = call(world, token, path, method)
    assert response.status_code in {403, 405}


@spec("RFC 9110", "9.2.1")
def test_a_header_does_not_turn_a_read_into_a_delete(world, scout):
    token = api_token(world, scout)
    own = world.delegations()[0].pk
    with leaves_only(world):
        response = call(world, token, f"/delegations/{own}", **{"X-HTTP-Method-Override": "DELETE"})
    assert response.status_code == 200
    with context.use(world.tenant):
        assert Delegation.objects.get(pk=own).ended_at is None
