"""An https site on this computer that serves JSON documents, for as long as a block lasts."""

import errno
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from examples.publisher.authority import HOST, Certified, certify

PATIENCE = 5


class Site:
    """What is published, by path, and which paths were asked for. `tls` believes this site and no other."""

    def __init__(self, port: int, ca: bytes) -> None:
        self.authority = f"{HOST}:{port}"
        self.tls = ssl.create_default_context(cadata=ca.decode())
        self.documents: dict[str, Mapping[str, Any]] = {}
        self.asked: list[str] = []

    def url(self, path: str) -> str:
        return f"https://{self.authority}{path}"

    def publish(self, path: str, document: Mapping[str, Any]) -> None:
        self.documents[path] = document


@contextmanager
def publishing(port: int, ca_file: Path) -> Iterator[Site]:
    """Serve a new site; who reads `ca_file` believes it. The file is gone when the block ends."""
    certified = certify()
    site = Site(port, certified.ca)
    with ExitStack() as stack:
        # First: where the port is taken another demonstration may be running, whose file is left alone.
        for server in _servers(port, site, _server_tls(certified)):
            stack.enter_context(server)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
        _leave(ca_file, certified.ca)
        stack.callback(ca_file.unlink, missing_ok=True)
        yield site


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, family: socket.AddressFamily, address: Any, site: Site, tls: ssl.SSLContext) -> None:
        self.address_family = family
        self.site = site
        self._tls = tls
        super().__init__(address, _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        # In the thread of the request: whoever connects and says nothing keeps nobody waiting.
        request.settimeout(PATIENCE)
        with self._tls.wrap_socket(request, server_side=True) as connection:
            super().finish_request(connection, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: whoever does not believe our CA breaks off, and tells its own story."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.site.asked.append(self.path)
        document = self.server.site.documents.get(self.path)
        if document is None:
            self.send_error(404)
            return
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=3600")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said: Any) -> None:
        """Say nothing: the demonstration does."""


def _servers(port: int, site: Site, tls: ssl.SSLContext) -> Iterator[_Server]:
    """Listen wherever `localhost` leads: its first address is 127.0.0.1 on one computer and ::1 on the next."""
    for family, _, _, _, address in socket.getaddrinfo(HOST, port, type=socket.SOCK_STREAM):
        try:
            server = _Server(family, address, site, tls)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise RuntimeError(f"port {port} is taken: stop what listens there, and run this again") from error
            continue  # A computer may lack what its list of hosts names.
        yield server


def _server_tls(certified: Certified) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # `ssl` reads keys from files only; this one is there for a moment, in a folder that is open to us alone.
    with TemporaryDirectory() as folder:
        chain = Path(folder) / "site.pem"
        chain.write_bytes(certified.key + certified.certificate)
        context.load_cert_chain(chain)
    return context


def _leave(file: Path, content: bytes) -> None:
    """Write it whole or not at all: somebody may read it at any moment."""
    file.parent.mkdir(mode=0o700, exist_ok=True)
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_bytes(content)
    unfinished.replace(file)
