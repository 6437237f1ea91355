"""What a run saw, a line for each fault: printed, and kept in docs/operations.md by `make faults`."""

import sys
from dataclasses import dataclass
from pathlib import Path

from tests.faults.checker import INVARIANTS
from tests.faults.history import CUT, History
from tests.harness import server

PAGE = server.ROOT / "docs" / "operations.md"
BEGIN, END = "<!-- made by make faults: begin -->", "<!-- made by make faults: end -->"


@dataclass(frozen=True, slots=True)
class Line:
    """One fault, what is promised when it happens, and what clients saw."""

    fault: str
    promise: str
    asked: int
    answers: str
    served_again: str

    def __str__(self) -> str:
        return f"| {self.fault} | {self.promise} | {self.asked} | {self.answers} | {self.served_again} |"


lines: list[Line] = []
measures: list[str] = []


def add(fault: str, promise: str, history: History, *, since: float | None) -> None:
    """Keep what a fault did to its clients."""
    counted = sorted(history.statuses().items(), key=lambda each: (each[0] == CUT, each[0]))
    answers = ", ".join(f"{number} × {'cut off' if status == CUT else status}" for status, number in counted)
    again = history.first_good(since) if since is not None else None
    line = Line(fault, promise, len(history.answers), answers or "–", f"{again:.1f} s" if again is not None else "–")
    lines.append(line)
    sys.stderr.write(f"\n{line}\n")


def text() -> str:
    """Return the table, and the invariants that were judged after each line of it."""
    head = ["| fault | promise | requests | answers | served again after |", "|---|---|---|---|---|"]
    judged = ["", f"After each, {len(INVARIANTS)} invariants were judged, and none was broken:", ""]
    judged += [f"- {name};" for name in INVARIANTS]
    judged[-1] = judged[-1].replace(";", ".")
    return "\n".join([*head, *map(str, lines), *judged, *([""] if measures else []), *measures])


def write(page: Path = PAGE) -> None:
    """Put the table between its marks."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{text()}\n{END}{after}")
