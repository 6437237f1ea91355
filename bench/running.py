"""A contestant that serves: started on its core, asked for one window after the other, measured, stopped."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bench import database, inputs, load, processes
from bench.contestants import Command, Contestant
from bench.operations import Operation

LEAST = 96
"""Requests of the smallest window: six for each connection."""


@dataclass(frozen=True, slots=True)
class Cores:
    """The server has one to itself; PostgreSQL and the load share the other."""

    server: int
    rest: int


@dataclass(frozen=True, slots=True)
class Sample:
    """CPU of one window, in microseconds per answer, and the window."""

    server: float
    database: float
    window: load.Window


@dataclass(slots=True)
class Running:
    """A contestant, the process that serves it, and how many requests that has answered."""

    contestant: Contestant
    pid: int
    cores: Cores
    folder: Path
    answered: int = 0

    def ask(self, operation: Operation, *, times: int = 1) -> Sample:
        """Prepare inputs for a window, or several in one, send them, and return what that cost."""
        count = max(LEAST, int(operation.requests * self.contestant.share * times))
        warm, file = self._prepare(operation, count)
        # Threads and connections that rested while the inputs were made come back first.
        self._send(operation, warm, LEAST)
        backends, shared, servers = set(self._backends()), database.shared(), processes.family(self.pid)
        before = processes.cpu(servers), processes.cpu(backends) + processes.cpu(shared)
        after: list[int] = []
        window = self._send(
            operation, file, count,
            lambda: after.extend((processes.cpu(servers), processes.cpu(backends) + processes.cpu(shared))),
        )  # fmt: skip
        if not after:
            return Sample(0, 0, window)
        if backends != set(self._backends()):
            window = replace(window, errors=window.errors + 1, first_error="connections came or went")
        return Sample((after[0] - before[0]) / count, (after[1] - before[1]) / count, window)

    def memory(self) -> float:
        """Return what the server's processes hold, in MiB (Pss)."""
        return processes.memory(processes.family(self.pid))

    def _prepare(self, operation: Operation, count: int) -> tuple[Path, Path]:
        """Write inputs to warm up with, and others to measure with; what may be repeated is one for both."""
        warm, file = (self.folder / f"{self.contestant.name}.{part}" for part in ("warm", "inputs"))
        wanted = LEAST + count if operation.is_single_use else 1
        _call((*self.contestant.prepare, operation.name, str(wanted), str(file)), self.contestant)
        made = inputs.read(file)
        if operation.is_single_use:
            inputs.refuse_reuse(made, count=wanted)
            replace(made, bodies=made.bodies[LEAST:]).write(file)
        replace(made, bodies=made.bodies[:LEAST]).write(warm)
        database.settle(self.contestant.database)
        return warm, file

    def _send(
        self, operation: Operation, file: Path, count: int, when_answered: Callable[[], None] = lambda: None
    ) -> load.Window:
        window = load.run(
            self.contestant.port, file, count=count, expected=operation.expected, core=self.cores.rest,
            when_answered=when_answered,
        )  # fmt: skip
        self.answered += window.answers
        return window

    def _backends(self) -> list[int]:
        found = database.backends(self.contestant.database)
        processes.pin(found, self.cores.rest)
        return found


@contextmanager
def set_up(contestant: Contestant) -> Iterator[Callable[[Command], str]]:
    """Set a contestant up in a fresh database; the block is given what calls a command there and returns its output."""
    with database.fresh(contestant.database, contestant.roles):
        for command in contestant.set_up:
            _call(command, contestant)
        yield lambda command: _call(command, contestant)


@contextmanager
def running(contestant: Contestant, cores: Cores, folder: Path) -> Iterator[Running]:
    """Set a contestant up and serve it until the block ends."""
    log = folder / f"{contestant.name}.log"
    with set_up(contestant), log.open("wb") as stream:
        process = subprocess.Popen(
            ("taskset", "--cpu-list", str(cores.server), *contestant.serve),
            cwd=contestant.folder, env=os.environ | contestant.environment, stdout=stream, stderr=stream,
            start_new_session=True,
        )  # fmt: skip
        try:
            _wait(process, contestant.port, log)
            yield Running(contestant, process.pid, cores, folder)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=20)


def _call(command: Command, contestant: Contestant) -> str:
    environment = os.environ | contestant.environment
    done = subprocess.run(command, cwd=contestant.folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{contestant.title}: {command[-1]} ended with {done.returncode}\n{done.stderr[-3000:]}")
    return done.stdout


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"{process.args!r} does not serve: {log.read_text()[-3000:]}")
