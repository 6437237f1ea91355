"""Whom a request may go to: a plain https URL, and an address of its host once all of them are known to lie outside."""

import re
import socket
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from kit import addresses, uris

_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+|localhost")
# A host that ends so is an IPv4 address to resolvers, whatever its other parts look like (WHATWG URL §3.5).
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")


class Unfetchable(Exception):
    """The document could not be had. The message is for the log; every cause looks the same from outside."""


class Missing(Unfetchable):
    """The server answered that there is no such document."""


@dataclass(frozen=True, slots=True)
class Development:
    """Hosts (`name:port`) that may be on loopback, and the CA that vouches for them alone. Never in public."""

    hosts: frozenset[str] = frozenset()
    ca_file: str = ""

    def has(self, target: "Target") -> bool:
        return f"{target.host}:{target.port}" in self.hosts


IN_PUBLIC = Development()
"""No host at all may be on loopback."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes, and until when all of it has to be over (`time.monotonic`)."""

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


def is_fetchable(url: str) -> bool:
    """Say whether a URL has the form that may be fetched; whether it leads outside shows when it is."""
    try:
        parse(url, 0.0)
    except Unfetchable:
        return False
    return True


def parse(url: str, deadline: float) -> Target:
    """Return where a URL leads; raises Unfetchable."""
    parts = _split(url)
    host = (parts.hostname or "").lower()
    if parts.scheme != "https" or not url.startswith("https://") or "@" in parts.netloc or "#" in url:
        raise Unfetchable("not a plain https URL")
    # A literal address never names a client's site; it is refused in every spelling, as is a trailing dot.
    if not _HOST.fullmatch(host) or _NUMBER.fullmatch(host.rpartition(".")[2]) or len(host) > 253:
        raise Unfetchable("not a host name")
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    return Target(host, parts.port or 443, path, deadline)


def resolve(target: Target, development: Development) -> str:
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


def _split(url: str) -> SplitResult:
    if not uris.is_plain(url) or len(url) > 2000:
        raise Unfetchable("not a URL in plain ASCII")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Unfetchable("not a URL") from error
    return parts
