"""A file that takes too long to wait for: its page offers that the clock writes it, for every long list."""

import csv
from io import StringIO
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client as InProcess

from agents.models import Agent, Approval
from audit.principals import SYSTEM
from kit import context
from notices import exporting, lists, selecting, streams
from notices.models import Job
from tests.conformance.test_api import api_token
from tests.conformance.test_long_work import do_it_all
from tests.harness.footprint import leaves_only
from tests.spec import spec
from trust import actions as trust_actions

PLACES = {
    "agents": "/console/agents",
    "approvals": "/console/approvals",
    "members": "/console/members",
    "resources": "/console/resources",
    "issuers": "/console/trust",
    "audiences": "/console/trust/audiences",
}


@pytest.fixture
def ada(world, origin):
    """Ada's browser as a client of this process, where a test says how long is too long."""
    with context.use(world.tenant):
        agent = Agent.objects.create(name="Waits", status="pending")
        Approval.objects.create(kind="admission", agent=agent)
        trust_actions.trust_issuer(
            "https://idp.elsewhere.example", by=SYSTEM, key_source="metadata", purposes=["id_jag"]
        )
        trust_actions.add_audience("https://login.elsewhere.example", by=SYSTEM)
    name = f"{settings.SESSION_COOKIE_NAME}-{world.tenant.slug}"
    client = InProcess(SERVER_NAME=urlsplit(origin).hostname)
    client.cookies[name] = world.browser("ada").http.cookies[name]
    client.place = f"/t/{world.tenant.slug}"
    return client


def rows_of(which):
    """Return how many rows a list has that nobody narrows, and that its filter shows."""
    return which.filter({}, which.all()).qs.count()


@spec("RFC 4180", "2")
@pytest.mark.parametrize("noun", PLACES)
def test_where_a_file_is_too_long_to_wait_for_the_clock_writes_it(world, ada, noun, monkeypatch):
    place, which = f"{ada.place}{PLACES[noun]}", lists.REGISTRY[noun]
    with context.use(world.tenant):
        rows = rows_of(which)
    assert rows, "or nothing is too long"
    monkeypatch.setattr(streams, "MOST", rows)
    assert ada.get(f"{place}/export/csv").status_code == 200, "it is just so long"
    monkeypatch.setattr(streams, "MOST", rows - 1)
    with leaves_only(world):
        told = ada.get(f"{place}/export/csv")
    assert (told.status_code, f'action="{place}/file/csv?"' in told.content.decode()) == (422, True)
    began = ada.post(f"{place}/file/csv")
    assert began.status_code == 302, began.content
    do_it_all(world)
    with context.use(world.tenant):
        job = Job.objects.get()
    assert (began["Location"], job.noun, job.total) == (f"{ada.place}/console/jobs/{job.pk}", noun, rows)
    written = b"".join(ada.get(f"{began['Location']}/file").streaming_content).decode()
    assert len(list(csv.DictReader(StringIO(written)))) == rows
    (entry,) = world.entries("job.started")
    assert entry.principal_label == "Ada"


@spec("RFC 9110", "15.5.21")
def test_what_no_file_takes_is_said_and_so_is_a_word_that_narrows_nothing(world, ada, monkeypatch):
    place = f"{ada.place}/console/members"
    monkeypatch.setattr(exporting, "MOST", len(world.people) - 1)
    with leaves_only(world):
        told = ada.post(f"{place}/file/csv?role=")
        assert (told.status_code, "which no file takes" in told.content.decode()) == (422, True)
        assert f'action="{place}/file/csv' not in told.content.decode()
        assert f'href="{place}?role="' in told.content.decode()
        assert ada.post(f"{place}/file/pdf").status_code == 404
        assert ada.post(f"{place}/file/csv?role=king")["Location"] == f"{place}?role=king"
    monkeypatch.setattr(exporting, "MOST", len(world.people))
    assert ada.post(f"{place}/file/csv").status_code == 302


@spec("RFC 9700", "2.3")
def test_it_is_offered_to_nobody_who_may_not_follow_what_becomes_of_it(world, ada, monkeypatch):
    place = f"{ada.place}/console/resources"
    monkeypatch.setattr(streams, "MOST", 0)
    assert "/file/csv" in ada.get(f"{place}/export/csv").content.decode()
    world.rewrite(world.people["ada"], role="developer")
    with leaves_only(world):
        told = ada.get(f"{place}/export/csv")
        assert (told.status_code, "/file/csv" in told.content.decode()) == (422, False)
        assert ada.post(f"{place}/file/csv").status_code == 403


@spec("RFC 9110", "15.5.21")
def test_over_the_api_a_file_that_is_too_long_to_wait_for_is_refused_too(world, monkeypatch):
    token, rows = api_token(world, world.public_client(), "ada", "members:read"), len(world.people)
    monkeypatch.setattr(streams, "MOST", rows)
    inside = InProcess(SERVER_NAME=urlsplit(world.origin).hostname)
    place, headers = f"/t/{world.tenant.slug}/api/v1/members/export/csv", {"Authorization": f"Bearer {token}"}
    assert inside.get(place, headers=headers).status_code == 200
    monkeypatch.setattr(streams, "MOST", rows - 1)
    with leaves_only(world):
        told = inside.get(place, headers=headers)
    assert (told.status_code, "ask for it at /exports" in told.content.decode()) == (400, True)


@spec("RFC 9110", "15.5.10")
def test_somebody_has_a_few_files_written_at_once_and_another_theirs(world, ada, monkeypatch):
    place = f"{ada.place}/console/members/file/csv"
    monkeypatch.setattr(selecting, "AT_ONCE", 1)
    assert ada.post(place).status_code == 302
    with leaves_only(world):
        assert ada.post(place).status_code == 422
        assert ada.post(f"{ada.place}/console/activity/file/csv").status_code == 422
        assert ada.post(f"{ada.place}/console/delegations/start", {"kind": "csv"}).status_code == 422
    world.rewrite(world.people["bob"], role="auditor")
    bob = InProcess(SERVER_NAME=urlsplit(world.origin).hostname)
    name = f"{settings.SESSION_COOKIE_NAME}-{world.tenant.slug}"
    bob.cookies[name] = world.browser("bob").http.cookies[name]
    assert bob.post(place).status_code == 302
    do_it_all(world)
    assert ada.post(place).status_code == 302
