"""`make demo`, as a newcomer runs it. Its ports are fixed, so one test plays it: tests run side by side."""

import subprocess
import sys

import pytest
from django.conf import settings

from examples import demo, running
from remit import demo as seeded
from tests.harness.server import ROOT

pytestmark = pytest.mark.interop


def play() -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "examples/demo.py"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_demo_knows_what_is_seeded():
    assert demo.PASSWORD == seeded.PASSWORD
    assert demo.INTROSPECTOR[1] == seeded.INTROSPECTION_SECRET
    assert (seeded.ORGANISATIONS[0].calendar_port, seeded.ORGANISATIONS[0].notes_port) == (demo.CALENDAR, demo.NOTES)


def test_the_demo_goes_as_told_and_again_and_stops_where_it_cannot(origin):
    seeded.seed()
    for _ in range(2):
        played = play()
        assert played.returncode == 0, played.stdout + played.stderr
        assert played.stdout.endswith("All as told.\n")
        assert settings.PUBLIC_ORIGIN in played.stdout
    with running.protected_server(demo.NOTES, demo.ISSUER, "Notes", "notes:read", "notes:write"):
        played = play()
    assert played.returncode == 1
    assert f"port {demo.NOTES} is taken" in played.stderr
