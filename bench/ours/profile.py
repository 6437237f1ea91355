"""A profile of our server for one operation: the same WSGI callable, called in this process, one request at a time."""

import cProfile
import pstats
import time
from collections.abc import Iterable
from pathlib import Path

from bench.inputs import Inputs
from bench.ours.calling import Application, call, repeated
from bench.ours.prepare import prepare

ROOT = Path(__file__).resolve().parents[2]
WARM_UP = 100
TOP = 30


def profile(operation: str, count: int) -> str:
    """Return the functions of `count` requests by their own time, and CPU µs per request without the profiler."""
    from remit.wsgi import application  # It judges the process that imports it.

    asked = prepare(operation, 2 * count + WARM_UP)
    bodies = repeated(asked, 2 * count + WARM_UP)
    _run(application, asked, bodies[:WARM_UP])
    before = time.process_time()
    _run(application, asked, bodies[WARM_UP : WARM_UP + count])
    plain = (time.process_time() - before) / count * 1e6
    profiler = cProfile.Profile(time.process_time)
    profiler.enable()
    _run(application, asked, bodies[WARM_UP + count :])
    profiler.disable()
    return f"{operation}: {plain:.0f} µs of CPU a request in process, without a web server\n{_listed(profiler, count)}"


def _run(application: Application, asked: Inputs, bodies: Iterable[str]) -> None:
    for body in bodies:
        call(application, asked, body)


def _listed(profiler: cProfile.Profile, count: int) -> str:
    """Return two lists, in µs per request: what costs by itself, and what of ours costs with all that it calls."""
    entries = pstats.Stats(profiler).stats.items()  # type: ignore[attr-defined]  # Not in the stubs.
    rows = [(where, calls, own, whole) for where, (_, calls, own, whole, _) in entries]
    by_own = sorted(rows, key=lambda row: -row[2])[:TOP]
    mine = sorted((row for row in rows if _is_ours(row[0][0])), key=lambda row: -row[3])[:TOP]
    return "\n".join([
        "by itself, µs a request:",
        *(_line(where, calls, own, count) for where, calls, own, _ in by_own),
        "ours, with what it calls, µs a request:",
        *(_line(where, calls, whole, count) for where, calls, _, whole in mine),
        "",
    ])  # fmt: skip


def _line(where: tuple[str, int, str], calls: int, seconds: float, count: int) -> str:
    file, line, name = where
    return f"{seconds / count * 1e6:8.1f}  {calls / count:7.1f} calls  {'/'.join(Path(file).parts[-2:])}:{line} {name}"


def _is_ours(file: str) -> bool:
    return file.startswith(str(ROOT)) and "bench" not in Path(file).relative_to(ROOT).parts
