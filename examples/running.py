"""Processes that the demonstration needs: started where nothing answers yet, and stopped after."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 90
SLOW = 10


@contextmanager
def remit(origin: str) -> Iterator[None]:
    """Use the Remit that answers at `origin`, or run one for as long as the block lasts."""
    if _answers(f"{origin}/livez"):
        yield
        return
    # Refusals are part of the story, and told there: its log would tell them twice.
    with process([sys.executable, "manage.py", "up", "--quiet"], f"{origin}/livez", REMIT_LOG_LEVEL="ERROR"):
        yield


@contextmanager
def protected_server(
    port: int, issuer: str, name: str, *scopes: str, asking_as: tuple[str, str] = ("", "")
) -> Iterator[str]:
    """Run an example server; its URL is also its audience. With a client's id and secret it asks about each token."""
    if _answers(f"http://localhost:{port}/"):
        raise RuntimeError(f"port {port} is taken: stop what listens there, and run this again")
    options = ["--port", str(port), "--issuer", issuer, "--name", name, "--scopes", *scopes]
    client_id, secret = asking_as
    if client_id:
        options += ["--asking-as", client_id]
    command = [sys.executable, "-m", "examples.calendar_server", *options]
    with process(command, f"http://localhost:{port}/", INTROSPECTION_SECRET=secret):
        yield f"http://localhost:{port}/mcp"


@contextmanager
def process(command: list[str], address: str, **environment: str) -> Iterator[None]:
    """Run a command until the block ends; enter it when something answers at `address`."""
    child = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **environment})
    try:
        deadline = time.monotonic() + PATIENCE
        while not _answers(address):
            if child.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(command[1:4])} did not come up (status {child.poll()})")
            time.sleep(0.2)
        yield
    finally:
        child.terminate()
        child.wait(timeout=20)


def _answers(address: str) -> bool:
    """Say whether anything speaks HTTP there, whatever it says."""
    try:
        httpx2.get(address, timeout=SLOW)
    except httpx2.TransportError:
        return False
    return True
