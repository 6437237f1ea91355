"""Words that narrow lists, written to break them: ids of no year, moments of no zone, and names that are ids."""

import pytest

from agents.models import Agent
from kit import context
from tests.conformance.test_resources_api import asker
from tests.spec import spec

BEYOND = "req_7zzzzzzzzzzzzzzzzzzzzzzzzz"
"""An id of the year 10889, in which no calendar has a day."""
BEGINNING, END = "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"
"""Moments that are in no year of UTC."""


@spec("RFC 9110", "15.6.1")
@pytest.mark.parametrize("query", [f"request={BEYOND}", f"q=request:{BEYOND}"])
def test_an_id_of_a_year_that_never_comes_is_of_no_request(world, query):
    answer = asker(world, "ada", "events:read")("GET", f"/events?{query}")
    assert (answer.status_code, answer.json().get("events")) == (200, [])
    assert world.browser("ada").go(world.url(f"/console/activity?{query}")).status_code == 200


@spec("RFC 9110", "15.6.1")
def test_a_member_s_own_list_takes_such_an_id_as_well(world):
    answer = asker(world, "alice", "events:read")("GET", f"/me/events?request={BEYOND}")
    assert (answer.status_code, answer.json().get("events")) == (200, [])
    assert world.browser("alice").go(world.url(f"/me/activity?request={BEYOND}")).status_code == 200


@spec("RFC 9110", "15.5.1")
@pytest.mark.parametrize("moment", [BEGINNING, END])
@pytest.mark.parametrize("word", ["agents?unused_since", "members?unseen_since", "members?role_ends_before"])
def test_a_moment_in_no_year_of_utc_is_none(world, word, moment):
    ask = asker(world, "ada", "agents:read members:read")
    assert ask("GET", f"/{word}=2026-01-01T00:00:00%2B14:00").status_code == 200
    assert ask("GET", f"/{word}={moment}").status_code == 400


@spec("RFC 9700", "2.3")
def test_an_agent_that_calls_itself_by_another_s_id_stands_in_none_of_its_lists(world):
    scout, posing = world.public_client("Scout"), world.public_client("Posing")
    with context.use(world.tenant):
        Agent.objects.filter(pk=scout.client.agent_id).update(owner=world.people["bob"])
        Agent.objects.filter(pk=posing.client.agent_id).update(name=scout.client.agent_id)
    world.grant(posing)
    found = asker(world, "ada", "events:read")("GET", f"/events?agent={scout.client.agent_id}").json()
    assert found["stands_for"] == {scout.client.agent_id: sorted([scout.client.agent_id, scout.client.client_id])}
    assert [each for each in found["events"] if posing.client.agent_id in (each["through"], each["about_id"])] == []
    page = world.browser("bob").go(world.url(f"/console/agents/{scout.client.agent_id}/activity"))
    assert page.status_code == 200
    assert "Alice" not in page.text, "whom another's agent acts for"
