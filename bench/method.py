"""Rounds in the order A B C … C B A after a warm-up; medians; a window with any error does not count."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.operations import BY_NAME, Operation
from bench.running import Running, Sample

WARM_UP = 3
"""Windows before the first one of a run: V8 goes on compiling for thousands of requests."""
TRIES = 2
"""A window that does not count is measured again, once."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians over the rounds: CPU microseconds per request of the server, and of its database."""

    server: float
    database: float


Costs = Mapping[str, Cost]
"""By contestant. One that does not know the operation, or whose every window had errors, is not there."""


def measure(servers: Sequence[Running], operation: Operation, *, rounds: int) -> Costs:
    """Return what an operation costs each contestant that knows it."""
    able = [server for server in servers if operation.name in server.contestant.operations]
    for server in able:
        server.ask(operation)
    samples: dict[str, list[Sample]] = {server.contestant.name: [] for server in able}
    for turn in turns(len(able), rounds=rounds):
        contestant = able[turn].contestant.name
        label = f"{operation.name}, {contestant}"
        for _ in range(TRIES):
            sample = able[turn].ask(operation)
            samples[contestant].append(sample)
            say(f"  {label}: {sample.server:.0f} + {sample.database:.0f} µs, {sample.window.seconds:.1f} s")
            if not sample.window.errors:
                break
    return {name: cost for name, taken in samples.items() if (cost := summary(taken, f"{operation.name}, {name}"))}


def warm_up(servers: Sequence[Running]) -> None:
    """Let every server do what it does once only."""
    for server in servers:
        server.ask(BY_NAME["secret"], times=WARM_UP)


def turns(contestants: int, *, rounds: int) -> list[int]:
    """Return whose turn it is: there and back again, so that a machine that drifts drifts for everybody."""
    there = list(range(contestants))
    return [turn for number in range(rounds) for turn in (there if number % 2 == 0 else reversed(there))]


def summary(samples: Sequence[Sample], label: str) -> Cost | None:
    """Return the medians of the windows without errors, or None; what does not count is said aloud."""
    for sample in samples:
        if sample.window.errors:
            say(f"{label}: A WINDOW WITH {sample.window.errors} ERRORS DOES NOT COUNT: {sample.window.first_error}")
    good = [sample for sample in samples if not sample.window.errors]
    if not good:
        say(f"{label}: NO WINDOW COUNTS")
        return None
    return Cost(median(sample.server for sample in good), median(sample.database for sample in good))


def say(text: str) -> None:
    """Tell whoever waits."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
