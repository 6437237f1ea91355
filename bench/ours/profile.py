"""A profile of our server for one operation: the same WSGI callable, called in this process, one request at a time."""

import cProfile
import io
import pstats
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bench.inputs import Inputs
from bench.ours.prepare import prepare

ROOT = Path(__file__).resolve().parents[2]
WARM_UP = 100
TOP = 30


def profile(operation: str, count: int) -> str:
    """Return the functions of `count` requests by their own time, and CPU µs per request without the profiler."""
    from remit.wsgi import application  # It judges the process that imports it.

    asked = prepare(operation, 2 * count + WARM_UP)
    single = len(asked.bodies) > 1
    bodies = asked.bodies if single else asked.bodies * (2 * count + WARM_UP)
    _run(application, asked, bodies[:WARM_UP])
    before = time.process_time()
    _run(application, asked, bodies[WARM_UP : WARM_UP + count])
    plain = (time.process_time() - before) / count * 1e6
    profiler = cProfile.Profile(time.process_time)
    profiler.enable()
    _run(application, asked, bodies[WARM_UP + count :])
    profiler.disable()
    return f"{operation}: {plain:.0f} µs of CPU a request in process, without a web server\n{_listed(profiler, count)}"


def _run(application: Callable[..., Iterable[bytes]], asked: Inputs, bodies: Iterable[str]) -> None:
    for body in bodies:
        for _ in application(_environ(asked, body.encode()), _accept):
            pass


def _accept(status: str, headers: list[tuple[str, str]]) -> None:
    if not status.startswith("200"):
        raise RuntimeError(f"answered with {status}")


def _environ(asked: Inputs, body: bytes) -> dict[str, Any]:
    method, path = asked.head[0].split(" ")
    headers = dict(line.split(": ", 1) for line in asked.head[1:])
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "SCRIPT_NAME": "", "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": headers.pop("Content-Type", ""),
    }  # fmt: skip
    return environ | {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}


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
