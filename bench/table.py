"""The table of a run, in Markdown, and its place in docs/performance.md."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench.method import Cost, Costs
from bench.operations import Operation

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
MARKS = BEGIN, END = "<!-- written by make bench: begin -->", "<!-- written by make bench: end -->"
AGAINST_TOOLKIT = 3.0
"""Capacity per core that we want, relative to stock django-oauth-toolkit with a fast hasher."""
_HEAD = (
    "operation", "Remit", "django-oauth-toolkit", "node-oidc-provider",
    "÷ oidc-provider", "target", "reached", "÷ toolkit", "target", "reached",
)  # fmt: skip
NOT_THERE = "–"


def table(results: Iterable[tuple[Operation, Costs]]) -> str:
    """Return one line for each operation: costs as server + database, then our capacity relative to the others'."""
    lines = [row(_HEAD), row(["---"] * len(_HEAD))]
    for operation, costs in results:
        ours = costs.get("ours")
        lines.append(
            row([
                operation.title,
                *(_cost(costs.get(name)) for name in ("ours", "dot", "node")),
                *_judged(capacity(ours, costs.get("node")), operation.target),
                *_judged(capacity(ours, costs.get("dot")), AGAINST_TOOLKIT),
            ])
        )  # fmt: skip
    return "\n".join(lines)


def capacity(ours: Cost | None, peer: Cost | None) -> float | None:
    """Return how many requests a core of ours answers for each of the peer's: server CPU alone, the peer's ÷ ours."""
    if ours is None or peer is None or not ours.server:
        return None
    return peer.server / ours.server


def memory(held: Mapping[str, float], *, requests: Mapping[str, int]) -> str:
    """Return what each server held in the end, by title: MiB of proportional set size, and requests answered."""
    parts = [f"{title} {mebibytes:.0f} MiB after {requests[title]:,} requests" for title, mebibytes in held.items()]
    return f"Memory of one process (Pss): {'; '.join(parts)}. Target: at most 120 MiB after 10,000."


def rewrite(document: str, written: Sequence[str], marks: tuple[str, str] = MARKS) -> str:
    """Return a document with the paragraphs between the marks replaced; raises ValueError where a mark is missing."""
    before, begin, rest = document.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    if not begin or not end:
        raise ValueError("the document has no place for the table")
    return "\n\n".join([before + begin, *written, end + after])


def row(cells: Iterable[str]) -> str:
    """Return one line of a table."""
    return f"| {' | '.join(cells)} |"


def _judged(ratio: float | None, target: float | None) -> tuple[str, str, str]:
    shown = NOT_THERE if ratio is None else f"{ratio:.2f}"
    if ratio is None or target is None:
        return shown, NOT_THERE, NOT_THERE
    # As it is shown: a reader must not see 0.50 miss 0.5.
    return shown, f"≥ {target:g}", "yes" if round(ratio, 2) >= target else "no"


def _cost(cost: Cost | None) -> str:
    return NOT_THERE if cost is None else f"{cost.server:.0f} + {cost.database:.0f}"
