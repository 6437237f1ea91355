"""Prepared requests: one head for all of them, and a body for each, in a file that the load reads line by line.

The file: `METHOD /path`, one header a line, an empty line, then one body a line (an empty one for GET).
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Inputs:
    """Requests that differ in their bodies alone."""

    head: tuple[str, ...]
    bodies: list[str]

    def write(self, file: Path) -> None:
        """Keep them for the load; they hold secrets, if only of a run."""
        file.touch(mode=0o600)
        file.write_text("\n".join((*self.head, "", *self.bodies, "")))


def read(file: Path) -> Inputs:
    """Return what `write` kept."""
    head, _, bodies = file.read_text().partition("\n\n")
    return Inputs(tuple(head.splitlines()), bodies.removesuffix("\n").split("\n"))


def refuse_reuse(inputs: Inputs, *, count: int) -> None:
    """Raise ValueError unless there are `count` bodies, each another: what is good for one use is used once."""
    if len(inputs.bodies) != count or len(set(inputs.bodies)) != count:
        raise ValueError(f"{count} different inputs were asked for, {len(set(inputs.bodies))} are there")
