"""The agent's end of a redirect: listens on a loopback port, and may send the browser one hop further."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    further: str = ""


class _Handler(BaseHTTPRequestHandler):
    server: _Listener

    def do_GET(self) -> None:
        if self.server.further and self.path.startswith("/callback"):
            self.send_response(302)
            self.send_header("Location", self.server.further + self.path.removeprefix("/callback"))
            self.end_headers()
            return
        body = b"<!doctype html><html lang=en><title>Back</title><link rel=icon href=data:,><h1>Back at the agent</h1>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None: ...


@contextmanager
def listening(*, further: str = "") -> Iterator[str]:
    """Listen on a free port; yield the redirect URI. With `further`, answer by a redirect to there."""
    server = _Listener(("127.0.0.1", 0), _Handler)
    server.further = further
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/callback"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
