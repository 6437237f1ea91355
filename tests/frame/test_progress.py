"""Commands that take long say how far they are, to whoever watches."""

import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHOWN = """
from kit import progress
with progress.bar("Counting", 400) as seen:
    for _ in range(10):
        seen(40)
"""


def run(stderr):
    return subprocess.run(
        [sys.executable, "-c", SHOWN],
        env={**os.environ, "PYTHONPATH": str(ROOT / "platform")},
        stderr=stderr,
        check=True,
    )


@pytest.mark.once
def test_a_bar_is_drawn_on_a_terminal_and_nothing_where_nobody_watches():
    assert run(subprocess.PIPE).stderr == b""
    mine, theirs = pty.openpty()
    run(theirs)
    os.close(theirs)
    drawn = ""
    with suppress(OSError):  # Nobody is at the other end any more.
        while text := os.read(mine, 1 << 16).decode():
            drawn += text
    os.close(mine)
    assert "Counting" in drawn
    assert "400/400" in drawn
