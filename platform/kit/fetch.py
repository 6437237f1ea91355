"""The only way out: one GET of one JSON object over https, in five seconds and some kilobytes, or a refusal.

The name is resolved once and every address of it must lie outside; the connection goes to the address that was
checked. No redirect is followed, no proxy is asked, no compressed body is opened. A watchdog shuts the socket at the
deadline, so that one byte a second does not keep a thread.
"""

import http.client
import io
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

from kit import addresses, strict_json, uris

SECONDS = 5.0
HEADERS_LIMIT = 16 * 1024
AT_ONCE = 8
"""Fetches under way in one process; a further one is refused, so that slow hosts cannot take every thread."""

_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+|localhost")
_JSON_TYPE = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json", re.IGNORECASE)
_MAX_AGE = re.compile(r"\bmax-age=(\d{1,9})\b")
_slots = threading.BoundedSemaphore(AT_ONCE)


class Unfetchable(Exception):
    """The document could not be had. The message is for the log; every cause looks the same from outside."""


@dataclass(frozen=True, slots=True)
class Development:
    """Hosts (`name:port`) that may be on loopback, and the CA that vouches for them alone. Never in public."""

    hosts: frozenset[str] = frozenset()
    ca_file: str = ""

    def has(self, target: "_Target") -> bool:
        return f"{target.host}:{target.port}" in self.hosts


@dataclass(frozen=True, slots=True)
class Fetched:
    """A JSON object from outside, and for how many seconds its server lets it be kept (None: not said)."""

    document: Mapping[str, Any]
    max_age: int | None = None


@dataclass(frozen=True, slots=True)
class _Target:
    host: str
    port: int
    path: str
    deadline: float = field(default=0.0)

    @property
    def authority(self) -> str:
        return self.host if self.port == 443 else f"{self.host}:{self.port}"

    def remaining(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Unfetchable("time is up")
        return left


def fetch_json(url: str, *, limit: int, development: Development = Development()) -> Fetched:
    """Return the JSON object at an https URL; raises Unfetchable. `limit` is the body's in bytes."""
    target = _target(url, time.monotonic() + SECONDS)
    if not _slots.acquire(blocking=False):
        raise Unfetchable("too many fetches are under way")
    try:
        address = _resolve(target, development)
        with _connected(target, address, _tls(target, development), limit=limit) as response:
            return _read(response, limit=limit)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unfetchable(f"{target.authority}: {type(error).__name__}") from error
    finally:
        _slots.release()


def is_fetchable(url: str) -> bool:
    """Say whether a URL has the form that may be fetched; whether it leads outside shows when it is."""
    try:
        _target(url, 0.0)
    except Unfetchable:
        return False
    return True


def _target(url: str, deadline: float) -> _Target:
    parts = _split(url)
    host = (parts.hostname or "").lower()
    if parts.scheme != "https" or not url.startswith("https://") or "@" in parts.netloc or "#" in url:
        raise Unfetchable("not a plain https URL")
    # A literal address never names a client's site; it is refused in every spelling, as is a trailing dot.
    if not _HOST.fullmatch(host) or host.rpartition(".")[2].isdecimal() or len(host) > 253:
        raise Unfetchable("not a host name")
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    return _Target(host, parts.port or 443, path, deadline)


def _split(url: str) -> SplitResult:
    if not uris.is_plain(url) or len(url) > 2000:
        raise Unfetchable("not a URL in plain ASCII")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Unfetchable("not a URL") from error
    return parts


def _resolve(target: _Target, development: Development) -> str:
    """Return an address of the host once every address of it is known to be allowed."""
    found: list[str] = []

    def look_up() -> None:
        try:
            infos = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except OSError:
            return
        found.extend(str(info[4][0]) for info in infos)

    # getaddrinfo has no timeout of its own; a thread that hangs in it ends with the resolver's own patience.
    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(target.remaining())
    allowed = addresses.is_loopback if development.has(target) else addresses.is_outside
    if thread.is_alive() or not found or not all(allowed(address) for address in found):
        raise Unfetchable(f"{target.authority}: no address that may be reached")
    return found[0]


@contextmanager
def _connected(target: _Target, address: str, tls: ssl.SSLContext, *, limit: int) -> Iterator[http.client.HTTPResponse]:
    raw = socket.create_connection((address, target.port), timeout=target.remaining())
    watchdog = threading.Timer(target.remaining(), _shut, [raw])
    watchdog.daemon = True
    watchdog.start()
    try:
        with tls.wrap_socket(raw, server_hostname=target.host) as connection:
            connection.sendall(_request(target))
            capped = _Capped(connection, limit + HEADERS_LIMIT)
            # It asks its socket for makefile() and nothing else.
            response = http.client.HTTPResponse(capped, method="GET")  # type: ignore[arg-type]
            response.begin()
            yield response
    finally:
        watchdog.cancel()
        raw.close()


def _shut(raw: socket.socket) -> None:
    try:
        raw.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # It is closed already.


def _tls(target: _Target, development: Development) -> ssl.SSLContext:
    """Return whom to believe: the CAs of the system, and for a host of development its own CA, read anew each time."""
    return _believing(development.ca_file) if development.has(target) else _believing_the_system()


@cache
def _believing_the_system() -> ssl.SSLContext:
    return _believing("")


def _believing(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _request(target: _Target) -> bytes:
    lines = (
        f"GET {target.path} HTTP/1.1", f"Host: {target.authority}", "Accept: application/json",
        "Accept-Encoding: identity", "User-Agent: Remit", "Connection: close",
    )  # fmt: skip
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


class _Capped(io.RawIOBase):
    """A socket that gives up to so many bytes, headers and all, and then refuses."""

    def __init__(self, connection: ssl.SSLSocket, cap: int) -> None:
        self._connection = connection
        self._left = cap

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left <= 0:
            raise Unfetchable("more bytes than allowed")
        count = self._connection.recv_into(memoryview(buffer)[: self._left])
        self._left -= count
        return count


def _read(response: http.client.HTTPResponse, *, limit: int) -> Fetched:
    if response.status != http.client.OK:
        raise Unfetchable(f"status {response.status}")
    if response.getheader("Content-Encoding", "identity").lower() != "identity":
        raise Unfetchable("a compressed body")
    if not _JSON_TYPE.fullmatch((response.getheader("Content-Type") or "").partition(";")[0].strip()):
        raise Unfetchable("not application/json")
    body = response.read(limit + 1)
    if len(body) > limit:
        raise Unfetchable("more bytes than allowed")
    control = response.getheader("Cache-Control", "").lower()
    found = _MAX_AGE.search(control)
    max_age = 0 if "no-store" in control or "no-cache" in control else (int(found[1]) if found else None)
    return Fetched(strict_json.parse_object(body, limit=limit), max_age)
