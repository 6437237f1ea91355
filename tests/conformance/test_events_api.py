"""The ledger over REST: narrowed, exported line by line, and how far its chain reaches."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.conf import settings

from audit import ledger
from tests.conformance.test_resources_api import asker
from tests.spec import spec


@pytest.fixture
def ada(world):
    return asker(world, "ada", "events:read")


@spec("RFC 9700", "2.3")
def test_what_happened_is_narrowed_by_who_agent_person_event_object_and_time(world, ada):
    scout = world.public_client("=HYPERLINK(1)")
    world.grant(scout)
    (allowed,) = [each for each in world.entries("delegation.allowed") if each.through == scout.client.agent_id] or [
        world.entries("delegation.allowed")[-1]
    ]
    alice, moment = world.people["alice"].pk, allowed.at

    def ids(query):
        answer = ada("GET", f"/events?{query}")
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["events"]]

    assert allowed.pk in ids(f"who={alice}")
    assert allowed.pk in ids("event=delegation.*")
    assert ids("event=delegation.allowed&limit=1") == [allowed.pk]
    assert ids("event=delegation") == []
    assert allowed.pk in ids(f"object={allowed.about_id}")
    assert allowed.pk in ids(f"request={allowed.request_id}")
    assert scout.client.agent_id
    assert ids(f"agent={scout.client.agent_id}")
    stamp = (moment - timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    later = (moment + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    assert allowed.pk in ids(f"since={stamp}&until={later}")
    assert ids(f"since={later}") == []
    assert ids(f"until={stamp}&event=delegation.allowed&who={alice}") == []
    assert ids("refused=true") == [each.pk for each in reversed(world.entries()) if each.event.endswith(".refused")]
    assert ada("GET", "/events?since=yesterday").status_code == 400


@spec("RFC 4180", "2")
def test_a_file_holds_what_the_list_holds_and_says_that_it_was_taken(world, ada):
    world.public_client("=HYPERLINK(1)")
    lines = ada("GET", "/events/export.jsonl?event=agent.*")
    assert (lines.status_code, lines.headers["content-type"]) == (200, "application/jsonl")
    entries = [json.loads(line) for line in lines.text.splitlines()]
    assert {each["event"] for each in entries} == {"agent.registered"}
    table = ada("GET", "/events/export.csv?event=agent.*")
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [each["id"] for each in rows] == [each["id"] for each in entries]
    assert "'=HYPERLINK(1)" in {each["about_label"] for each in rows}
    taken = world.entries("events.exported")
    assert [(each.principal_id, each.detail) for each in taken] == [
        (world.people["ada"].pk, {"asked": ["event: agent.*"]})
    ] * 2
    assert ada("GET", "/events/export.xml").status_code == 404
    assert ada("GET", "/events/export.csv?order=id").status_code == 400


@spec("RFC 9700", "2.3")
def test_the_end_of_the_chain_is_told_and_what_waits_for_it(world, ada):
    ledger.seal(world.tenant.pk, using=settings.OPERATOR_ALIAS)
    before = ada("GET", "/events/chain").json()
    world.public_client()
    after = ada("GET", "/events/chain").json()
    assert before["sequence"] >= 1
    assert len(before["digest"]) == 64
    assert after["waiting"] > before["waiting"]
    assert ada("GET", f"/events/{before['entry_id']}").json()["id"] == before["entry_id"]
