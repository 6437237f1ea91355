"""The only way out: one request over https, in five seconds and some kilobytes, or a no.

The name is resolved once and every address of it must lie outside (`kit.targets`); the connection goes to the address
that was checked. No redirect is followed, no proxy is asked, no compressed body is opened. A watchdog shuts the socket
at the deadline, so that one byte a second does not keep a thread.
"""

import http.client
import io
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from kit import strict_json, targets, turns
from kit.targets import IN_PUBLIC, Development, Missing, Target, Unfetchable, is_fetchable

__all__ = [
    "Answered", "Development", "Fetched", "Message", "Missing", "Unfetchable",
    "fetch_image", "fetch_json", "fetch_text", "is_fetchable", "look", "post", "post_form", "post_json",
]  # fmt: skip

SECONDS = 5.0
HEADERS_LIMIT = 16 * 1024
DEEPEST_MESSAGE = 64
"""How deep a JSON-RPC message may be: schemas of tools stand in it."""

_JSON_TYPE = re.compile(r"application/(?:[a-z0-9.+-]+\+)?json", re.IGNORECASE)
_TEXT_TYPE = re.compile(
    r"(?:application|text)/(?:(?:[a-z0-9.+-]+[+.])?(?:json|yaml|openapi)|x-yaml|plain|octet-stream)", re.IGNORECASE
)
_IMAGE_TYPE = re.compile(r"image/(?:png|jpeg|gif|webp)", re.IGNORECASE)
_MAX_AGE = re.compile(r"\bmax-age=(\d{1,9})\b")
Response = http.client.HTTPResponse
Got = TypeVar("Got")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A JSON object from outside, and for how many seconds its server lets it be kept (None: not said)."""

    document: Mapping[str, Any]
    max_age: int | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """How somebody outside answers: the status, and the challenge of a refusal (RFC 9110 §11.6.1)."""

    status: int
    challenge: str


@dataclass(frozen=True, slots=True)
class Message:
    """What answers a JSON message: the status, the session that a server opened with it, and of a 200 the object."""

    status: int
    session: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked for, and what goes with it: a body makes it a POST."""

    accept: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


def fetch_json(url: str, *, limit: int, authorization: str = "", development: Development = IN_PUBLIC) -> Fetched:
    """Return the JSON object at an https URL; raises Unfetchable. `limit` is the body's in bytes."""
    question = _Question("application/json", _proof(authorization))
    return _ask(url, question, lambda response: _read_json(response, limit=limit), limit, development)


def post_form(
    url: str, form: bytes, *, limit: int, authorization: str = "", development: Development = IN_PUBLIC
) -> Fetched:
    """Send a form to an https URL and return the JSON object that answers it; raises Unfetchable."""
    headers = {**_proof(authorization), "Content-Type": "application/x-www-form-urlencoded"}
    question = _Question("application/json", headers, form)
    return _ask(url, question, lambda response: _read_json(response, limit=limit), limit, development)


def fetch_text(url: str, *, limit: int, development: Development = IN_PUBLIC) -> bytes:
    """Return what lies at an https URL as a document in JSON, YAML or plain text; raises Unfetchable."""
    return _ask(url, _Question("*/*"), lambda response: _read(response, _TEXT_TYPE, limit=limit), limit, development)


def fetch_image(url: str, *, limit: int, development: Development = IN_PUBLIC) -> bytes:
    """Return what is said to be a picture at an https URL, of which nothing is believed; raises Unfetchable."""
    return _ask(
        url, _Question("image/*"), lambda response: _read(response, _IMAGE_TYPE, limit=limit), limit, development
    )


def look(url: str, *, authorization: str = "", development: Development = IN_PUBLIC) -> Answered:
    """Ask for an https URL and return how it answers, whatever that is; raises Unfetchable where nothing does.

    Whatever comes behind the headers of the answer is not read.
    """
    question = _Question("application/json, text/event-stream, */*;q=0.1", _proof(authorization))
    return _ask(url, question, _read_head, 0, development)


def post(url: str, body: bytes, *, headers: Mapping[str, str], development: Development = IN_PUBLIC) -> int:
    """Send a body to an https URL and return the status that answers it; raises Unfetchable where none does.

    Whatever comes behind the headers of the answer is not read.
    """
    return _ask(url, _Question("*/*", headers, body), lambda response: response.status, 0, development)


def post_json(
    url: str, body: bytes, *, limit: int, headers: Mapping[str, str], development: Development = IN_PUBLIC
) -> Message:
    """Send a JSON-RPC message and return what answers it, also as the first answer in a stream of events (MCP).

    Raises Unfetchable where nothing does. Of another status than 200 nothing but the headers is read.
    """
    question = _Question("application/json, text/event-stream", {**headers, "Content-Type": "application/json"}, body)
    return _ask(url, question, lambda response: _read_message(response, limit=limit), limit, development)


def _proof(authorization: str) -> Mapping[str, str]:
    return {"Authorization": authorization} if authorization else {}


def _ask(
    url: str, question: _Question, read: "Callable[[Response], Got]", limit: int, development: Development
) -> "Got":
    target = targets.parse(url, time.monotonic() + SECONDS)
    with turns.taken():
        try:
            address = targets.resolve(target, development)
            with _connected(target, address, _tls(target, development), question, limit=limit) as response:
                got = read(response)
                # Where the watchdog was first, headers that were cut off look like headers that ended.
                target.remaining()
                return got
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unfetchable(f"{target.authority}: {type(error).__name__}") from error


@contextmanager
def _connected(
    target: Target, address: str, tls: ssl.SSLContext, question: _Question, *, limit: int
) -> Iterator[Response]:
    raw = socket.create_connection((address, target.port), timeout=target.remaining())
    # A descriptor of its own: wrapping takes the first one away from `raw`.
    own = raw.dup()
    watchdog = threading.Timer(target.remaining(), _shut, [own])
    watchdog.daemon = True
    watchdog.start()
    try:
        with tls.wrap_socket(raw, server_hostname=target.host) as connection:
            connection.sendall(_request(target, question))
            capped = _Capped(connection, limit + HEADERS_LIMIT)
            # It asks its socket for makefile() and nothing else.
            response = http.client.HTTPResponse(capped, method="GET")  # type: ignore[arg-type]
            response.begin()
            yield response
    finally:
        watchdog.cancel()
        own.close()
        raw.close()


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # It is closed already.


def _tls(target: Target, development: Development) -> ssl.SSLContext:
    """Return whom to believe: the CAs of the system, and for a host of development its own CA, read anew each time."""
    return _believing(development.ca_file) if development.has(target) else _believing_the_system()


@cache
def _believing_the_system() -> ssl.SSLContext:
    return _believing("")


def _believing(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _request(target: Target, question: _Question) -> bytes:
    lines = [
        f"{'GET' if question.body is None else 'POST'} {target.path} HTTP/1.1", f"Host: {target.authority}",
        f"Accept: {question.accept}", "Accept-Encoding: identity", "User-Agent: Remit", "Connection: close",
        *(f"{name}: {value}" for name, value in question.headers.items()),
    ]  # fmt: skip
    if question.body is not None:
        lines.append(f"Content-Length: {len(question.body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii") + (question.body or b"")


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


def _read_head(response: Response) -> Answered:
    return Answered(response.status, response.getheader("WWW-Authenticate") or "")


def _read(response: Response, kind: re.Pattern[str], *, limit: int) -> bytes:
    if response.status == http.client.NOT_FOUND:
        raise Missing("status 404")
    if response.status != http.client.OK:
        raise Unfetchable(f"status {response.status}")
    if response.getheader("Content-Encoding", "identity").lower() != "identity":
        raise Unfetchable("a compressed body")
    if not kind.fullmatch((response.getheader("Content-Type") or "").partition(";")[0].strip()):
        raise Unfetchable("another content type")
    body = response.read(limit + 1)
    if len(body) > limit:
        raise Unfetchable("more bytes than allowed")
    if response.length:
        raise Unfetchable("fewer bytes than it said")
    return body


def _read_json(response: Response, *, limit: int) -> Fetched:
    body = _read(response, _JSON_TYPE, limit=limit)
    control = response.getheader("Cache-Control", "").lower()
    found = _MAX_AGE.search(control)
    max_age = 0 if "no-store" in control or "no-cache" in control else (int(found[1]) if found else None)
    return Fetched(strict_json.parse_object(body, limit=limit), max_age)


def _read_message(response: Response, *, limit: int) -> Message:
    session = response.getheader("Mcp-Session-Id") or ""
    if response.status != http.client.OK:
        return Message(response.status, session, {})
    is_stream = (response.getheader("Content-Type") or "").lower().startswith("text/event-stream")
    body = _first_answer(response) if is_stream else _read(response, _JSON_TYPE, limit=limit)
    return Message(response.status, session, strict_json.parse_object(body, limit=limit, deepest=DEEPEST_MESSAGE))


def _first_answer(response: Response) -> bytes:
    """Return the first event of a stream that answers something: it may stay open behind it, and tell other things."""
    said: list[bytes] = []
    for line in response:
        if line.startswith(b"data:"):
            said.append(line[5:].strip())
        elif not line.strip() and said:
            event, said = b"\n".join(said), []
            if b'"result"' in event or b'"error"' in event:
                return event
    raise Unfetchable("a stream without an answer")
