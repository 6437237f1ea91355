"""Brokers of the suite's own: they may be stopped in the middle of everything, and come back empty or not."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from kombu import Connection

from tests.faults.processes import PATIENCE, until
from tests.harness import server

_RABBIT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


@dataclass
class Broker:
    """A broker as a process of ours; a killed one may be started again on the same port."""

    name: str
    url: str
    command: tuple[str, ...]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    child: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it; it takes messages when this returns."""
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                self.command, env={**os.environ, **self.environment}, stdout=log, stderr=log, start_new_session=True
            )
        until(self._answers)

    def kill(self) -> None:
        """Let it die with all that it started."""
        if self.child is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait(timeout=PATIENCE)

    def _answers(self) -> bool:
        assert self.child is not None
        assert self.child.poll() is None, self.log.read_text(errors="replace")[-2000:]
        with suppress(Exception), Connection(self.url, connect_timeout=2) as connection:
            connection.ensure_connection(max_retries=1)
            return True
        return False


@contextmanager
def redis(folder: Path) -> Iterator[Broker]:
    """Give a Redis that keeps nothing on disk."""
    _need("redis-server", shutil.which("redis-server"))
    place, port = _folder(folder / "redis"), server.free_port()
    command = (
        "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
        "--dir", str(place),
    )  # fmt: skip
    yield from _given(Broker("Redis", f"redis://127.0.0.1:{port}/0", command, place / "log"))


@contextmanager
def rabbitmq(folder: Path) -> Iterator[Broker]:
    """Give a RabbitMQ with a name, a port mapper, a cookie and files of its own."""
    _need("rabbitmq-server", _RABBIT.exists())
    place, port, mapper = _folder(folder / "rabbitmq"), server.free_port(), server.free_port()
    (place / "plugins").write_text("[].\n")
    (place / "rabbitmq.conf").write_text(f"listeners.tcp.default = 127.0.0.1:{port}\nlog.console = true\n")
    environment = {
        "HOME": str(place),
        "ERL_EPMD_PORT": str(mapper),
        "RABBITMQ_NODENAME": f"faults{port}@localhost",
        "RABBITMQ_DIST_PORT": str(server.free_port()),
        "RABBITMQ_CONFIG_FILE": str(place / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(place / "plugins"),
        "RABBITMQ_MNESIA_BASE": str(place / "mnesia"),
        "RABBITMQ_LOG_BASE": str(place / "logs"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "RABBITMQ_CTL_ERL_ARGS": "",
    }
    with ExitStack() as stack:
        # Left to itself, the node would start one that outlives it.
        stack.enter_context(_mapper(mapper))
        url = f"amqp://guest:guest@127.0.0.1:{port}//"
        yield from _given(Broker("RabbitMQ", url, (str(_RABBIT),), place / "log", environment))


def _given(broker: Broker) -> Iterator[Broker]:
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()


@contextmanager
def _mapper(port: int) -> Iterator[None]:
    command = ["epmd", "-port", str(port), "-address", "127.0.0.1"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: _is_open(port))
        yield
    finally:
        child.kill()
        child.wait(timeout=PATIENCE)


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _folder(place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return place


def _need(name: str, found: object) -> None:
    if not found:
        pytest.skip(f"no {name} here")
