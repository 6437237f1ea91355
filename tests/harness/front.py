"""A proxy in front of an application that is down: whatever is asked for, it has one file and its status."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _Proxy(ThreadingHTTPServer):
    daemon_threads = True
    status: int
    page: bytes


class _Handler(BaseHTTPRequestHandler):
    server: _Proxy

    def do_GET(self) -> None:
        self.send_response(self.server.status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(self.server.page)))
        self.end_headers()
        self.wfile.write(self.server.page)

    def log_message(self, *args: Any) -> None: ...


@contextmanager
def standing(status: int, page: str) -> Iterator[str]:
    """Listen on a free port of loopback; yield the origin."""
    server = _Proxy(("127.0.0.1", 0), _Handler)
    server.status, server.page = status, page.encode()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
