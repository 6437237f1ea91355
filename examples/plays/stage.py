"""Where it is played, and who tells it."""

import os

from examples.agent import Credentials
from examples.running import ROOT

ORIGIN = os.environ.get("REMIT_PUBLIC_ORIGIN", "http://localhost:8000")
ISSUER = f"{ORIGIN}/t/acme"
CALENDAR, NOTES = 9401, 9402
# What `manage.py up` seeds and prints; worth nothing anywhere else.
EMAIL, PASSWORD = "alice@acme.example", "correct horse battery staple"
INTROSPECTOR, NOTES_INTROSPECTOR = (
    (f"server-{port}", "demo-only-secret-of-the-calendar-server") for port in (CALENDAR, NOTES)
)
# Each may hand part of what it is allowed to the one after it, and nobody anything to the stranger.
TEAM, STRANGER = ("orchestrator", "researcher", "summariser"), "translator"
# The one site on this computer from which `manage.py up` fetches documents, and where it looks for that site's CA.
DOCUMENTS, CA_FILE = 9443, ROOT / "var" / "demo-ca.pem"


def known_as(client_id: str) -> Credentials:
    """Return how an agent that works with others proves itself."""
    return Credentials(f"{ISSUER}/token", client_id, f"demo-only-secret-of-the-{client_id}")


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
