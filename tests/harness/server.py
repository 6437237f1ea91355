"""The product as a process of its own, on a socket, as users meet it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from django.conf import settings

from tests.settings import FOLDER

ROOT = Path(__file__).resolve().parents[2]
LOG = FOLDER / "server.log"


@contextmanager
def running(*, wrapper: tuple[str, ...] = (), extra: dict[str, str] | None = None, port: str = "") -> Iterator[str]:
    """Serve until the block ends; `wrapper` is a command to run under, `extra` more environment."""
    port = port or os.environ["REMIT_TEST_PORT"]
    environment = {**os.environ, **(extra or {}), "PYTHONPATH": f"platform{os.pathsep}."}
    environment["DJANGO_SETTINGS_MODULE"] = "tests.harness.served"
    command = [
        *wrapper, sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", port,
        "--blocking-threads", "8", "--log-level", "warning", "remit.wsgi:application",
    ]  # fmt: skip
    with LOG.open("ab") as log:
        # A group of its own: ending a wrapper alone would leave the server running behind it.
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait(process, port)
            yield settings.PUBLIC_ORIGIN
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=20)


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: "subprocess.Popen[bytes]", port: str) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}: {LOG.read_text()[-2000:]}")
        try:
            if httpx.get(f"http://127.0.0.1:{port}/livez", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError("the server did not come up")
