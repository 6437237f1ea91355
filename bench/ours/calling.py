"""Our server without a web server: the WSGI callable, called in this process with prepared requests."""

import io
from collections.abc import Callable, Iterable
from typing import Any

from bench.inputs import Inputs

Application = Callable[..., Iterable[bytes]]


def repeated(asked: Inputs, count: int) -> list[str]:
    """Return `count` bodies: each another, or the one that may be repeated."""
    return asked.bodies if len(asked.bodies) > 1 else asked.bodies * count


def call(application: Application, asked: Inputs, body: str) -> None:
    """Send one request; raises RuntimeError where the answer is not a good one."""
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
