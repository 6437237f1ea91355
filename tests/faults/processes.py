"""The product's processes, started as its operators start them, and ended by their own ids."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
from celery import Celery

from tests.harness import server

PATIENCE = 90
"""Seconds until something that was started has to be there."""


@dataclass
class Process:
    """One of web, worker and beat: a group of its own, so that nothing of it is left behind."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    child: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                self.command,
                cwd=server.ROOT,
                env=dict(self.environment),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Let it die in the middle of whatever it does, with all that it started."""
        assert self.child is not None
        self._signal(signal.SIGKILL)
        self.child.wait(timeout=PATIENCE)
        self.child = None

    def end(self) -> None:
        """Ask it to end, and do not take no for an answer."""
        if self.child is None:
            return
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.child.wait(timeout=8)
        self._signal(signal.SIGKILL)
        self.child.wait(timeout=PATIENCE)
        self.child = None

    def freeze(self) -> None:
        """Let it stand still, with its connections open and whatever it holds."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    @property
    def is_alive(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    def _signal(self, number: int) -> None:
        assert self.child is not None
        with suppress(ProcessLookupError):
            os.killpg(self.child.pid, number)


class Product:
    """Web on a port, workers, beats: all with one environment."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self.folder = folder
        self.port = server.free_port()
        self.origin = f"http://localhost:{self.port}"
        self.environment = {
            **os.environ, **environment,
            "REMIT_PUBLIC_ORIGIN": self.origin,
            "REMIT_METRICS_PORT": "0",
            "REMIT_CODE_SECONDS": "300",
            "PYTHONPATH": f"platform{os.pathsep}.",
        }  # fmt: skip
        self.processes: list[Process] = []

    def web(self, *, wrapper: tuple[str, ...] = (), port: int = 0, **extra: str) -> Process:
        """Start the server; it answers when this returns. Another port is another process of the same product."""
        command = (
            *wrapper, sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1",
            "--port", str(port or self.port), "--blocking-threads", "8", "--log-level", "warning",
            "remit.wsgi:application",
        )  # fmt: skip
        settings = {"DJANGO_SETTINGS_MODULE": "tests.harness.served", **extra}
        web = self._start("web", command, settings)
        await_answer(web, port or self.port)
        return web

    def worker(self, *more: str, wrapper: tuple[str, ...] = (), **extra: str) -> Process:
        """Start a worker as docker-compose.yml does, with its processes below it."""
        command = (
            *wrapper, sys.executable, "-m", "celery", "-A", "remit", "worker", "--loglevel", "warning",
            "--concurrency", "1", "--hostname", f"w{len(self.processes)}@faults", *more,
        )  # fmt: skip
        return self._start("worker", command, extra)

    def beat(self, *, wrapper: tuple[str, ...] = (), **extra: str) -> Process:
        command = (
            *wrapper,
            sys.executable,
            "-m",
            "celery",
            "-A",
            "remit",
            "beat",
            "--loglevel",
            "warning",
            "--pidfile",
            "",
        )
        return self._start("beat", command, {"DJANGO_SETTINGS_MODULE": "tests.faults.hurried", **extra})

    def manage(self, *arguments: str, **extra: str) -> Process:
        """Start a command of an operator's."""
        return self._start("manage", (sys.executable, "manage.py", *arguments), extra)

    def send(self, task: str, *, times: int) -> None:
        """Leave a message for the workers, as often as somebody delivers it."""
        with Celery(broker=self.environment["REMIT_BROKER_URL"], set_as_current=False) as sender:
            for _ in range(times):
                sender.send_task(task)

    def end(self) -> None:
        for process in reversed(self.processes):
            process.end()

    def _start(self, name: str, command: tuple[str, ...], extra: Mapping[str, str]) -> Process:
        environment = {**self.environment, "DJANGO_SETTINGS_MODULE": "remit.settings", **extra}
        process = Process(name, command, environment, self.folder / f"{name}-{len(self.processes)}.log")
        self.processes.append(process)
        process.start()
        return process


def await_answer(web: Process, port: int) -> None:
    """Wait until a server answers; one that ended says why."""

    def answers() -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{port}/livez", timeout=2).status_code == 200
        return False

    until(answers, web)


def until(condition: Callable[[], object], *watched: Process, seconds: float = PATIENCE) -> None:
    """Wait for something to become true; the processes that should bring it about have to live."""
    deadline = time.monotonic() + seconds
    while not condition():
        for process in watched:
            assert process.is_alive, f"{process.name} ended: {process.tail()}"
        assert time.monotonic() < deadline, f"not within {seconds} s: {[each.tail()[-800:] for each in watched]}"
        time.sleep(0.05)


@contextmanager
def running(environment: Mapping[str, str], folder: Path) -> Iterator[Product]:
    """Give a product of which nothing is left when the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    product = Product(environment, folder)
    try:
        yield product
    finally:
        product.end()
