"""How far a command is: a bar on a terminal, and nothing where nobody watches."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

STEPS = 200
"""How often a bar moves at most: drawing it must not cost what it shows."""
Seen = Callable[[int], None]
"""Says that so many more are done."""


def unseen(number: int) -> None:
    """Show nobody anything."""


@contextmanager
def bar(label: str, total: int) -> Iterator[Seen]:
    """Show a bar of so many steps while the block runs; it gives a function that moves it on."""
    is_watched = sys.stderr.isatty()
    rarely = max(total // STEPS, 1)
    with click.progressbar(
        length=total, label=label, file=sys.stderr, hidden=not is_watched, show_pos=True, update_min_steps=rarely
    ) as shown:
        yield shown.update
