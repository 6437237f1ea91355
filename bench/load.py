"""The load: wrk over keep-alive connections, a fixed number of requests, every answer looked at."""

import re
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("load.lua")
CONNECTIONS = 16
LONGEST = 300
"""Seconds after which a window is given up."""


@dataclass(frozen=True, slots=True)
class Window:
    """What came back in one window: answers, how many of them were not what was asked for, and seconds by the wall."""

    answers: int
    errors: int
    seconds: float
    first_error: str = ""


def run(port: int, file: Path, *, count: int, expected: str, core: int, when_answered: Callable[[], None]) -> Window:
    """Send `count` requests of a file and return what came back; `when_answered` is called at the last answer."""
    command = [
        "taskset", "--cpu-list", str(core), "wrk", "--threads", "1", "--connections", str(CONNECTIONS),
        "--duration", f"{LONGEST}s", "--timeout", "20s", "--script", str(SCRIPT), f"http://127.0.0.1:{port}/",
        "--", str(file), str(count), expected,
    ]  # fmt: skip
    begun = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("answered "):
            seconds = time.monotonic() - begun
            when_answered()
            # wrk sleeps for its whole duration whatever its threads do, unless it is interrupted.
            process.send_signal(signal.SIGINT)
    process.wait(timeout=30)
    return read_window(said, seconds if "answered " in said else time.monotonic() - begun)


def read_window(said: str, seconds: float) -> Window:
    """Return what the script said on wrk's output; a load that did not finish is an error."""
    answered = re.search(r"^answered (\d+) bad (\d+)$", said, re.MULTILINE)
    broken = re.search(r"^broken (\d+)$", said, re.MULTILINE)
    first = re.search(r"^bad (.*)$", said, re.MULTILINE)
    if answered is None or broken is None:
        return Window(0, 1, seconds, f"wrk did not finish: {said[-300:]}")
    return Window(int(answered[1]), int(answered[2]) + int(broken[1]), seconds, first[1] if first else "")
