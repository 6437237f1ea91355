"""Where it is played, and who tells it."""

import os

from examples.agent import Credentials
from examples.running import ROOT

ORIGIN = os.environ.get("REMIT_PUBLIC_ORIGIN", "http://localhost:8000")
ISSUER, OTHER_ISSUER = f"{ORIGIN}/t/acme", f"{ORIGIN}/t/globex"
CALENDAR, NOTES, OTHER_CALENDAR, OTHER_NOTES = 9401, 9402, 9411, 9412
# What `manage.py up` seeds and prints; worth nothing anywhere else.
EMAIL, PASSWORD = "alice@acme.example", "correct horse battery staple"
OTHER_EMAIL, ADMIN_EMAIL = "alice@globex.example", "ada@acme.example"
INTROSPECTOR, NOTES_INTROSPECTOR, OTHER_INTROSPECTOR = (
    (f"server-{port}", "demo-only-secret-of-the-calendar-server") for port in (CALENDAR, NOTES, OTHER_NOTES)
)
# Each may hand part of what it is allowed to the one after it, and nobody anything to the stranger.
TEAM, STRANGER = ("orchestrator", "researcher", "summariser"), "translator"
# One agent, as acme knows it and as globex does.
COURIER, COURIER_THERE = "courier", "acme-courier"
# A job of a CI platform whose keys both sides make of the same words.
JOB, PLATFORM, PLATFORM_KEY = "release-job", "https://ci.example", "demo-only-key-of-the-ci-platform"
SUBJECT, REPOSITORY_ID = "repo:acme/robots:ref:refs/heads/main", "74"
# The one site on this computer from which `manage.py up` fetches documents, and where it looks for that site's CA.
DOCUMENTS, CA_FILE = 9443, ROOT / "var" / "demo-ca.pem"


def known_as(client_id: str, issuer: str = ISSUER) -> Credentials:
    """Return how an agent that works with others proves itself."""
    return Credentials(f"{issuer}/token", client_id, f"demo-only-secret-of-the-{client_id}")


class Unexpected(Exception):
    """A step went another way than told."""


class Teller:
    """Says each step, and stops where one is not as told."""

    def __init__(self) -> None:
        self._count = 0

    def play(self, title: str) -> None:
        print(f"\n{title}" if self._count else title, flush=True)

    def step(self, asked: str, came: str, why: str, *, expected: bool) -> None:
        self._count += 1
        print(f"{self._count:2}. {asked} → {came} | {why}", flush=True)
        if not expected:
            raise Unexpected(f"step {self._count} was not as expected")
