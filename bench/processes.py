"""What /proc says of processes: CPU time, memory, children; and on which cores they may run."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_TICK = 1_000_000 // os.sysconf("SC_CLK_TCK")
"""Microseconds; a window should be a hundred of them at least."""


def family(pid: int) -> list[int]:
    """Return a process and everything below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += family(int(child))
    return found


def cpu(pids: Iterable[int]) -> int:
    """Return the user and system time of processes, in microseconds; one that ended counts nothing."""
    return sum(_cpu(pid) for pid in pids)


def ran(pid: int) -> float:
    """Return how long one thread ran, in microseconds: to the nanosecond, where `cpu` counts ticks."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1000


def memory(pids: Iterable[int]) -> float:
    """Return the proportional set size of processes, in MiB."""
    return sum(_pss(pid) for pid in pids) / 1024


def pin(pids: Iterable[int], core: int) -> None:
    """Let processes run on one core only, with all of their threads."""
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):  # It ended meanwhile.
            for task in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), {core})


def _cpu(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return 0
    # The name may hold spaces and parentheses: count from its end.
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK


def _pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
