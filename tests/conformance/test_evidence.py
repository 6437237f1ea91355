"""An agent as a file for an auditor: the same from its page as over the API, signed, bounded, and without a secret."""

import hashlib
import json

import pytest

from agents import credentials
from agents.models import Agent, Handover
from audit import chain
from audit.principals import SYSTEM
from kit import context, jose
from tests.conformance.test_api import api_token
from tests.harness.footprint import leaves_only
from tests.harness.keyholder import Keyholder
from tests.spec import spec
from tokens import evidence, keys

MOMENTS = {"made_at", "since"}


@pytest.fixture
def scout(world):
    """An agent with a secret, a key, a helper, somebody who allowed it something, and a refusal."""
    who, helper = world.secret_client("Scout"), world.helper("Summariser")
    world.grant(who)
    assert world.own_token(who).status_code == 400
    world.rewrite(who.client.agent, owner=world.people["bob"])
    with context.use(world.tenant):
        who.key = credentials.add_key(who.client, Keyholder("x").jwks["keys"][0], by=SYSTEM).id
        Handover.objects.create(agent=who.client.agent, to_agent=helper.client.agent)
    return who


def file_over_the_api(world, who, person="ada", scope="events:read"):
    token = api_token(world, world.public_client("Console app"), person, scope)
    place = world.url(f"/api/v1/agents/{who.client.agent_id}/evidence")
    return world.http.get(place, headers={"Authorization": f"Bearer {token}"})


@spec("RFC 7515", "5.2")
def test_it_says_who_answers_for_an_agent_how_it_comes_in_what_it_was_allowed_and_what_was_refused(world, scout):
    page = world.browser("ada").go(world.url(f"/console/agents/{scout.client.agent_id}"))
    link = f"/console/agents/{scout.client.agent_id}/evidence"
    assert link in page.text
    by_page = world.browser("ada").go(world.url(link))
    assert f'filename="{scout.client.agent_id}.json"' in by_page.headers["content-disposition"]
    told = file_over_the_api(world, scout).json()
    record = told["record"]
    assert set(record["agent"]) == set(by_page.json()["record"]["agent"])
    assert record["agent"]["owner"]["id"] == world.people["bob"].pk
    (client,) = record["clients"]["lines"]
    assert {each["kind"]: each["id"] for each in client["credentials"]} == {"secret": "sec_first", "key": scout.key}
    (held,) = record["delegations"]["lines"]
    assert (held["live"], held["over"], held["people"]) == (1, 0, 1)
    assert [each["name"] for each in record["handovers"]["to"]] == ["Summariser"]
    (refused,) = record["refusals"]["lines"]
    assert (refused["event"], bool(refused["reason"])) == ("token.refused", True)
    assert {"agent.registered", "agent.exported"} <= {each["event"] for each in record["story"]["lines"]}
    assert all(record[name]["is_all"] for name in ("clients", "approvals", "delegations", "refusals", "story"))
    with context.use(world.tenant):
        assert record["ledger"]["digest"] == chain.sealed().digest
        public = keys.keyset().public
    assert scout.client.client_secret
    for secret in (scout.secret, scout.client.client_secret):
        assert secret not in json.dumps(record)
    first, second = world.entries("agent.exported")
    assert {first.principal_id, second.principal_id} == {world.people["ada"].pk}
    assert second.detail["sha256"] == told["sha256"] == hashlib.sha256(evidence.canonical(record)).hexdigest()
    wanted = jose.Expected(typ=evidence.TYP, issuer=world.tenant.issuer, audience=None)
    said = jose.signed(told["jws"], public, wanted)
    assert (said["agent"], said["sha256"]) == (scout.client.agent_id, told["sha256"])


@spec("RFC 9700", "2.3")
def test_whoever_answers_for_an_agent_takes_its_file_and_nobody_else_without_a_role(world, scout):
    assert file_over_the_api(world, scout, "bob").status_code == 200
    link = world.url(f"/console/agents/{scout.client.agent_id}/evidence")
    assert world.browser("bob").go(link).status_code == 200
    other = world.secret_client("Other")
    with leaves_only(world):
        assert world.browser("alice").go(link).status_code == 403
    assert file_over_the_api(world, scout, "alice").status_code == 403
    assert file_over_the_api(world, other, "bob").status_code == 404
    assert file_over_the_api(world, scout, "ada", "agents:read").status_code == 403
    assert len(world.entries("agent.exported")) == 2


@spec("RFC 9110", "15.3.1")
def test_what_is_more_than_a_file_holds_is_said_to_be_left_out(world, scout, monkeypatch):
    monkeypatch.setattr(evidence, "MOST", 1)
    with context.use(world.tenant):
        agent = Agent.objects.get(pk=scout.client.agent_id)
        for _ in range(2):
            record = evidence.hand_out(agent, world.tenant, by=SYSTEM, now=agent.created_at)["record"]
    assert (len(record["story"]["lines"]), record["story"]["is_all"]) == (1, False)
    assert record["clients"]["is_all"]
