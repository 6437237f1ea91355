"""What setting up and asking agree on: names, and the secrets of clients in a file of the run's folder."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

SLUG = "bench"
CALENDAR = "https://calendar.example/mcp"
REDIRECT = "https://agent.example/callback"
PERSON = "alice@bench.example"
ELSEWHERE, THEIR_API = "https://login.elsewhere.example", "https://api.elsewhere.example/mcp"
"""Another domain, for which grants are made and whose grants are taken."""
HELPERS = ("helper1", "helper2", "helper3", "helper4")
"""Agents of which each works for the one before; the first works for the scout."""
SCOPES = ("events:read", "events:write")


class Known(NamedTuple):
    """A client as its owner knows it: its id, and its secret or private key (JSON of a JWK)."""

    client_id: str
    secret: str


def remember(clients: Mapping[str, Known]) -> None:
    """Keep the clients for the processes that make requests."""
    _file().write_text(json.dumps(clients))


def recall() -> Mapping[str, Known]:
    """Return the clients that were kept."""
    return {name: Known(*parts) for name, parts in json.loads(_file().read_text()).items()}


def _file() -> Path:
    return Path(os.environ["BENCH_FOLDER"], "ours.json")
