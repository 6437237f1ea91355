"""`make demo`, as a newcomer runs it. Its ports are fixed, so one test plays it: tests run side by side."""

import os
import socket
import subprocess
import sys

import pytest

from examples import running
from examples.plays import stage
from remit import demo as seeded
from tests.harness.server import ROOT, free_port

pytestmark = pytest.mark.interop

# What a newcomer's shell does not say; databases and secrets are those of this test process.
PLAIN = {"DJANGO_SETTINGS_MODULE": "remit.settings", "REMIT_FETCH_LOOPBACK_HOSTS": "", "REMIT_FETCH_CA_FILE": ""}
LAST = "POST /t/acme/token with the refresh token and a fresh assertion → 400 invalid_grant"


def play(origin: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "examples/demo.py"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, **PLAIN, "REMIT_PUBLIC_ORIGIN": origin},
    )  # fmt: skip


def goes_as_told(origin: str) -> None:
    played = play(origin)
    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stdout.endswith("All as told.\n")
    assert f"https://{seeded.DOCUMENT_HOST}/agents/" in played.stdout
    assert LAST in played.stdout
    assert origin in played.stdout
    assert not seeded.CA_FILE.exists()


def stops(origin: str, reason: str) -> None:
    played = play(origin)
    assert played.returncode == 1
    assert f"The demo stops: {reason}" in played.stderr
    assert "Traceback" not in played.stderr


def test_the_demo_knows_what_is_seeded():
    assert stage.PASSWORD == seeded.PASSWORD
    assert stage.INTROSPECTOR[1] == seeded.INTROSPECTION_SECRET
    assert (seeded.ORGANISATIONS[0].calendar_port, seeded.ORGANISATIONS[0].notes_port) == (stage.CALENDAR, stage.NOTES)
    assert f"localhost:{stage.DOCUMENTS}" == seeded.DOCUMENT_HOST
    assert stage.CA_FILE == seeded.CA_FILE


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
