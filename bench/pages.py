"""What the console's pages take in a tenant of fifty agents, two thousand people and ten thousand delegations."""

import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from bench import contestants, machine, method, table
from bench.running import set_up

TIMES = 20
"""Of a whole run, whose table is kept."""
TARGET, MOST = 150, 12
"""Milliseconds of the median, and statements of a page for which nothing is kept yet."""
MARKS = "<!-- written by make pages: begin -->", "<!-- written by make pages: end -->"
_HEAD = ("page", "median, ms", "slowest, ms", "our CPU, ms", "statements", "KB", f"≤ {TARGET} ms and ≤ {MOST}")


def run(*, core: int) -> None:
    """Measure each page TIMES times and print the table; that of a whole run is kept."""
    times = int(os.environ.get("TIMES") or TIMES)
    with tempfile.TemporaryDirectory() as scratch, set_up(contestants.ours(Path(scratch), "remit_pages")) as call:
        command = ("taskset", "--cpu-list", str(core), sys.executable, "-m", "bench.ours", "pages", str(times))
        found = json.loads(call(command))
    written = [machine.described(today=date.today(), rounds=times, node=""), listed(found)]
    sys.stdout.write("\n\n".join([*written, ""]))
    if times >= TIMES:
        table.DOCUMENT.write_text(table.rewrite(table.DOCUMENT.read_text(), written, MARKS))
    method.say("Kept in docs/performance.md." if times >= TIMES else "A short run: printed, and not kept.")


def listed(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table, as `bench.ours.pages` measured it: a line for each page."""
    lines = [table.row(_HEAD), table.row(["---"] * len(_HEAD))]
    return "\n".join([*lines, *(table.row(_cells(title, page)) for title, page in found.items())])


def _cells(title: str, page: Mapping[str, Any]) -> Sequence[str]:
    walls, statements = page["walls"], page["statements"]
    middle = median(walls)
    held = "yes" if middle <= TARGET and statements <= MOST else "no"
    sizes = (f"{middle:.0f}", f"{max(walls):.0f}", f"{median(page['own']):.0f}")
    return [title, *sizes, str(statements), f"{page['bytes'] / 1000:.0f}", held]
