"""What our operations cost with much in the database beside with little: two databases, filled alike, in turns."""

import json
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median

from bench import contestants, machine, method, table
from bench.operations import BY_NAME
from bench.running import set_up

SIZES, REQUESTS, ROUNDS = (1_000, 100_000), 100, 6
"""Of a whole run, whose table is kept; requests are those of a round, and a tenth of them for an end."""
MARKS = BEGIN, END = "<!-- written by make growth: begin -->", "<!-- written by make growth: end -->"
TITLES = {name: operation.title for name, operation in BY_NAME.items()} | {"end": "ending a delegation, with receipt"}


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians of one operation: microseconds of our CPU and of the database's, and bytes of write-ahead log."""

    process: float
    database: float
    log: float


Samples = Mapping[str, Sequence[Sequence[float]]]
"""By operation, as `bench.ours.growth` measures them."""


def run(*, core: int) -> None:
    """Measure at each of SIZES and print the table; that of a whole run is kept."""
    asked = os.environ.get
    sizes = tuple(map(int, asked("SIZES", "").split())) or SIZES
    requests, rounds = int(asked("REQUESTS") or REQUESTS), int(asked("ROUNDS") or ROUNDS)
    costs, held = measure(sizes, requests, rounds, core=core)
    where = machine.described(today=date.today(), rounds=rounds, node="")
    written = [where, grown(costs), *(f"In the database of {size:,}: {words}." for size, words in held.items())]
    sys.stdout.write("\n\n".join([*written, ""]))
    is_whole = sizes == SIZES and requests >= REQUESTS and rounds >= ROUNDS
    if is_whole:
        keep(table.DOCUMENT, written)
    method.say("Kept in docs/performance.md." if is_whole else "A short run: printed, and not kept.")


def measure(
    sizes: Sequence[int], requests: int, rounds: int, *, core: int
) -> tuple[Mapping[int, Mapping[str, Cost]], Mapping[int, str]]:
    """Return what operations cost at each size, and in words what stood in each database."""
    held, samples = {}, {size: list[Samples]() for size in sizes}
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        calls = []
        for size in sizes:
            folder = Path(scratch, str(size))
            folder.mkdir()
            calls.append(stack.enter_context(set_up(contestants.ours(folder, f"remit_growth_{size}"))))
            held[size] = calls[-1](_command("gather", size, core))
            method.say(f"  {size:,}: {held[size]}")
        for turn in method.turns(len(sizes), rounds=rounds):
            samples[sizes[turn]].append(json.loads(calls[turn](_command("growth", requests, core))))
            method.say(f"  {sizes[turn]:,}: {summary(samples[sizes[turn]][-1:])}")
    return {size: summary(taken) for size, taken in samples.items()}, held


def summary(rounds: Sequence[Samples]) -> Mapping[str, Cost]:
    """Return the medians over all rounds: what others did meanwhile on this machine is in few of the samples."""
    together = {name: [sample for taken in rounds for sample in taken[name]] for name in rounds[0]}
    return {name: Cost(*map(median, zip(*samples, strict=True))) for name, samples in together.items()}


def grown(costs: Mapping[int, Mapping[str, Cost]]) -> str:
    """Return the table: a line for each operation, three columns for each size."""
    columns = [f"{size:,}: {what}" for size in costs for what in ("our CPU, µs", "database CPU, µs", "WAL, bytes")]
    operations = next(iter(costs.values()))
    lines = [_cells(TITLES[name], (costs[size][name] for size in costs)) for name in operations]
    return "\n".join(map(table.row, [["operation", *columns], ["---"] * (len(columns) + 1), *lines]))


def keep(document: Path, written: Sequence[str]) -> None:
    """Write the table into the document's place for it."""
    document.write_text(table.rewrite(document.read_text(), written, MARKS))


def _cells(title: str, costs: Iterable[Cost]) -> list[str]:
    return [title, *(f"{value:,.0f}" for cost in costs for value in (cost.process, cost.database, cost.log))]


def _command(verb: str, number: int, core: int) -> contestants.Command:
    return "taskset", "--cpu-list", str(core), sys.executable, "-m", "bench.ours", verb, str(number)
