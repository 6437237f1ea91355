"""`make demo`, as a newcomer runs it. Its ports are fixed, so one test plays it: tests run side by side."""

import os
import secrets
import socket
import subprocess
import sys

import pytest

from agents.models import Client, Handover
from examples import running
from examples.plays import stage
from kit import context
from remit import demo as seeded
from tenants.models import Tenant
from tests.harness.server import ROOT, free_port

pytestmark = pytest.mark.interop

# What a newcomer's shell does not say; databases and secrets are those of this test process.
PLAIN = {"DJANGO_SETTINGS_MODULE": "remit.settings", "REMIT_FETCH_LOOPBACK_HOSTS": "", "REMIT_FETCH_CA_FILE": ""}
TOLD = (
    f"https://{seeded.DOCUMENT_HOST}/agents/",
    "POST /t/acme/token with the refresh token and a fresh assertion → 400 invalid_grant",
    "the page says “Orchestrator may hand part of this to” Researcher, Summariser",
    "200 scope 'notes:read', summariser ← researcher ← orchestrator for alice, dlg_",
    "scope='notes:read notes:write' → 400 invalid_scope",
    "translator: token exchange of the same token → 400 invalid_request",
    "“Researcher no longer uses Notes on this computer for you. Nothing that it holds works any more.",
    'summariser calls list_notes; the server asks at /t/acme/introspect → {"active":false}, so 401',
    "orchestrator calls list_notes → active True",
)


def play(origin: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "examples/demo.py"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, **PLAIN, "REMIT_PUBLIC_ORIGIN": origin},
    )  # fmt: skip


def goes_as_told(origin: str) -> None:
    played = play(origin)
    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stdout.endswith("All as told.\n")
    assert [words for words in TOLD if words not in played.stdout] == []
    assert origin in played.stdout
    assert not seeded.CA_FILE.exists()


def stops(origin: str, reason: str) -> None:
    played = play(origin)
    assert played.returncode == 1
    assert f"The demo stops: {reason}" in played.stderr
    assert "Traceback" not in played.stderr


def test_the_demo_knows_what_is_seeded():
    assert stage.PASSWORD == seeded.PASSWORD
    assert {stage.INTROSPECTOR[1], stage.NOTES_INTROSPECTOR[1]} == {seeded.INTROSPECTION_SECRET}
    assert (stage.TEAM, stage.STRANGER) == (seeded.TEAM, seeded.STRANGER)
    assert [stage.known_as(each).secret for each in stage.TEAM] == [seeded.secret_of(each) for each in seeded.TEAM]
    assert (seeded.ORGANISATIONS[0].calendar_port, seeded.ORGANISATIONS[0].notes_port) == (stage.CALENDAR, stage.NOTES)
    assert f"localhost:{stage.DOCUMENTS}" == seeded.DOCUMENT_HOST
    assert stage.CA_FILE == seeded.CA_FILE


def seeds(monkeypatch, slug):
    """Let seeding be about one tenant; say whom it finds there after."""
    monkeypatch.setattr(seeded, "ORGANISATIONS", (seeded.Organisation(slug, slug.title(), 9421, 9422),))
    seeded.seed()
    with context.use(Tenant.objects.get(slug=slug)):
        made_by_hand = Client.objects.filter(registration_source="manual", agent__isnull=False)
        handovers = Handover.objects.values_list("agent__name", "to_agent__name")
        return set(made_by_hand.values_list("client_id", flat=True)), sorted(handovers)


def test_a_database_from_before_is_brought_the_agents_that_work_together_once(monkeypatch):
    slug = f"t-{secrets.token_hex(6)}"
    with monkeypatch.context() as before:
        before.setattr(seeded, "_introduce_team", lambda: None)
        assert seeds(before, slug) == ({seeded.NIGHTLY_REPORT}, [])
    everybody = {seeded.NIGHTLY_REPORT, *seeded.TEAM, seeded.STRANGER}
    may_hand_on = [("Orchestrator", "Researcher"), ("Researcher", "Summariser")]
    assert seeds(monkeypatch, slug) == (everybody, may_hand_on)
    assert seeds(monkeypatch, slug) == (everybody, may_hand_on)


def test_a_tenant_that_the_demonstration_did_not_open_gets_nobody(monkeypatch, world):
    assert seeds(monkeypatch, world.tenant.slug) == (set(), [])


def test_the_demo_goes_as_told_and_again_and_stops_where_it_cannot(origin):
    alone = f"http://localhost:{free_port()}"
    goes_as_told(alone)  # It starts a server of its own, and stops it.
    command = [sys.executable, "manage.py", "up", "--quiet"]
    with running.process(command, f"{alone}/livez", **PLAIN, REMIT_PUBLIC_ORIGIN=alone):
        goes_as_told(alone)
        with running.protected_server(stage.NOTES, f"{alone}/t/acme", "Notes", "notes:read", "notes:write"):
            stops(alone, f"port {stage.NOTES} is taken")
        with socket.create_server(("127.0.0.1", stage.DOCUMENTS)):
            stops(alone, f"port {stage.DOCUMENTS} is taken")
    # The server of the suite lets other hosts be on loopback.
    stops(origin, f"Remit at {origin} did not fetch https://{seeded.DOCUMENT_HOST}/")
