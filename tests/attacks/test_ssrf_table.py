"""Forty and more ways to make the server fetch what it should not: one table, and every row of it gives nothing.

The hostile server listens on loopback, so that each address that leads inside leads to it: that it was knocked at is
the proof that a guard failed. What may knock is counted too: once, and no address but the one that was checked.
"""

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.test import Client as Caller

from agents.models import Client
from kit import context, fetch
from kit.fetch import Development, Unfetchable
from tests.harness import hostile, inside
from tests.harness.hostile import Answer, Hostile, json_answer, status
from tests.spec import spec

pytestmark = pytest.mark.once

LIMIT, SECONDS = 16 * 1024, 0.5
PUBLIC = "93.184.215.14"
SPELLED = {
    "an address": "https://127.0.0.1:{port}/x",
    "decimal": "https://2130706433:{port}/x",
    "octal": "https://0177.0.0.1:{port}/x",
    "octal, every part": "https://0177.0000.0000.0001:{port}/x",
    "hexadecimal": "https://0x7f000001:{port}/x",
    "hexadecimal parts": "https://0x7f.0x0.0x0.0x1:{port}/x",
    "two parts": "https://127.1:{port}/x",
    "three parts": "https://127.0.1:{port}/x",
    "zero": "https://0:{port}/x",
    "all interfaces": "https://0.0.0.0:{port}/x",
    "full-width digits": "https://１２７.0.0.1:{port}/x",
    "ideographic dots": "https://127。0。0。1:{port}/x",
    "percent-encoded dots": "https://127%2e0%2e0%2e1:{port}/x",
    "IPv6": "https://[::1]:{port}/x",
    "IPv6, any": "https://[::]:{port}/x",
    "mapped": "https://[::ffff:127.0.0.1]:{port}/x",
    "mapped, in hexadecimal": "https://[::ffff:7f00:1]:{port}/x",
    "compatible": "https://[::127.0.0.1]:{port}/x",
    "NAT64": "https://[64:ff9b::7f00:1]:{port}/x",
    "6to4": "https://[2002:7f00:1::]:{port}/x",
    "Teredo": "https://[2001:0:7f00:1::]:{port}/x",
    "a zone": "https://[fe80::1%25lo]:{port}/x",
    "a zone on loopback": "https://[::1%25lo]:{port}/x",
    "a trailing dot on an address": "https://127.0.0.1.:{port}/x",
    "a trailing dot on a name": "https://localhost.:{port}/x",
    "a name before the host": "https://agent.example@localhost:{port}/x",
    "a name and a password": "https://agent.example:443@127.0.0.1:{port}/x",
    "an encoded slash before the host": "https://agent.example%2f@127.0.0.1:{port}/x",
    "a backslash": "https://localhost:{port}\\@agent.example/x",
    "a fragment": "https://localhost:{port}/x#y",
    "plain http": "http://localhost:{port}/x",
    "another scheme": "ftp://localhost:{port}/x",
    "a scheme in capitals": "HTTPS://localhost:{port}/x",
    "no scheme": "//localhost:{port}/x",
    "no slashes": "https:localhost:{port}/x",
    "a blank in the host": "https://localhost :{port}/x",
    "a tab in the host": "https://local\thost:{port}/x",
    "a newline in the path": "https://localhost:{port}/x\r\nX: y",
    "a NUL in the host": "https://localhost%00.agent.example:{port}/x",
    "two ports": "https://localhost:{port}:443/x",
}
ANSWERED = {
    "loopback": ["127.0.0.1"],
    "loopback, another one": ["127.8.8.8"],
    "a private network": ["10.0.0.1"],
    "a cloud's metadata": ["169.254.169.254"],
    "a carrier's network": ["100.64.0.1"],
    "IPv6 loopback": ["::1"],
    "mapped": ["::ffff:127.0.0.1"],
    "NAT64": ["64:ff9b::7f00:1"],
    "6to4": ["2002:7f00:1::"],
    "a link with its zone": ["fe80::1%lo"],
    "one good, one bad": [PUBLIC, "127.0.0.1"],
    "one bad, one good": ["127.0.0.1", PUBLIC],
    "none": [],
}
"""What a name server says of `agent.example`."""
ENDLESS_CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n" + b"4000\r\n" + b" " * 0x4000 + b"\r\n"
BEHAVED: Mapping[str, Answer] = {
    **{f"a redirect, {code}": status(f"{code} Moved", b"Location: /good\r\n") for code in (301, 302, 303, 307, 308)},
    "a redirect to a file": status("302 Found", b"Location: file:///etc/passwd\r\n"),
    "a byte now and then": hostile.dripping(*hostile.DRIP_BODY, every=0.1),
    "a byte of a header now and then": hostile.dripping(*hostile.DRIP_HEADERS, every=0.1),
    "silence": hostile.silent,
    "an endless body": hostile.endless,
    "an endless chunked body": hostile.dripping(hostile.OK + ENDLESS_CHUNKS, b"4000\r\n" + b" " * 0x4000 + b"\r\n", 0),
    "a bomb": hostile.bomb,
    "100 KB in one header": hostile.many_headers,
    "100 KB in a thousand headers": status("200 OK", b"".join(b"X-%d: %s\r\n" % (n, b"a" * 90) for n in range(1000))),
    "more than it may be": json_answer(b'{"a": "' + b"a" * LIMIT + b'"}'),
    "less than it says": status("200 OK", b"Content-Length: 99999\r\n"),
    "a deep document": json_answer(b'{"a":' * 50 + b"1" + b"}" * 50),
    "no object": json_answer(b"[]"),
    "a member twice": json_answer(b'{"a": 1, "a": 2}'),
    "no number": json_answer(b'{"a": NaN}'),
    "no JSON type": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{}"),
    "created": status("201 Created"),
    "a part": status("206 Partial Content"),
    "not modified": status("304 Not Modified", body=b""),
    "an error": status("500 No"),
    "an old protocol": lambda connection: connection.sendall(b"{}"),
    "noise": lambda connection: connection.sendall(b"\x00\x01\x02\r\n\r\n"),
    "nothing": lambda connection: None,
}


@dataclass
class Names:
    """A name server that says of each look-up what is next in its list, and a line that remembers who was called."""

    answers: Iterator[list[str]]
    asked: int = 0
    called: list[str] = field(default_factory=list)

    def look_up(self, host: str, port: int, *args: object, **kwargs: object) -> list[object]:
        self.asked += 1
        found = next(self.answers)
        if not found:
            raise socket.gaierror
        return [(socket.AF_UNSPEC, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    def call(self, address: tuple[str, int], timeout: float) -> socket.socket:
        self.called.append(address[0])
        raise ConnectionRefusedError


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    with hostile.serving(Path(tmp_path_factory.mktemp("table"))) as server:
        yield server


def gives_nothing(ask: Callable[[], object]) -> bool:
    """Say whether a fetch was refused, in the time that it may take."""
    before = time.monotonic()
    try:
        ask()
    except Unfetchable:
        return time.monotonic() - before < SECONDS + 1
    return False


@spec("CIMD", "8.6")
def test_the_table_is_as_long_as_it_says_and_no_row_is_there_twice():
    rows = [*SPELLED.values(), *map(str, ANSWERED.values()), *map(id, BEHAVED.values())]
    assert len(rows) == len(set(rows)) == 40 + 13 + 28


@spec("CIMD", "8.6")
def test_no_spelling_of_an_inner_address_is_looked_up_or_knocked_at(server, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: pytest.fail("a name was looked up"))
    development = Development(frozenset({server.authority}), server.ca_file)
    urls = {name: url.format(port=server.port) for name, url in SPELLED.items()}
    fetched = [
        name
        for name, url in urls.items()
        if not gives_nothing(lambda url=url: fetch.fetch_json(url, limit=LIMIT, development=development))
    ]
    assert (fetched, server.knocks) == ([], 0)


@spec("CIMD", "3")
@pytest.mark.parametrize("door", ["/authorize", "/token", "/device_authorization"])
def test_no_door_takes_one_for_a_clients_document(world, documents, monkeypatch, door):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: pytest.fail("a name was looked up"))
    before, refused = documents.knocks, []
    for url in (each.format(port=documents.port) for each in SPELLED.values()):
        form = {"client_id": url, "grant_type": "refresh_token", "refresh_token": "rtf_unknown.0.x"}
        if door == "/authorize":
            answer = Caller(SERVER_NAME="localhost").get(f"/t/{world.tenant.slug}/authorize", {"client_id": url})
        else:
            answer = inside.post(world, door, form)
        refused.append(answer.status_code in {400, 401})
    assert refused == [True] * len(SPELLED)
    assert documents.knocks == before
    with context.use(world.tenant):
        assert not Client.objects.filter(registration_source="cimd").exists()


@spec("CIMD", "8.6")
def test_no_name_that_leads_inside_is_called(server, monkeypatch):
    for name, addresses in ANSWERED.items():
        names = Names(iter([addresses]))
        monkeypatch.setattr(socket, "getaddrinfo", names.look_up)
        monkeypatch.setattr(socket, "create_connection", names.call)
        url = f"https://agent.example:{server.port}/x"
        assert gives_nothing(lambda url=url: fetch.fetch_json(url, limit=LIMIT)), name
        assert (names.called, names.asked) == ([], 1), name
    assert server.knocks == 0


@spec("CIMD", "8.6")
@pytest.mark.parametrize(("first", "then"), [(PUBLIC, "127.0.0.1"), ("127.0.0.1", PUBLIC)])
def test_an_answer_that_changes_between_two_look_ups_changes_nothing(monkeypatch, first, then):
    names = Names(iter([[first], [then]]))
    monkeypatch.setattr(socket, "getaddrinfo", names.look_up)
    monkeypatch.setattr(socket, "create_connection", names.call)
    assert gives_nothing(lambda: fetch.fetch_json("https://agent.example/x", limit=LIMIT))
    assert (names.called, names.asked) == ([PUBLIC] if first == PUBLIC else [], 1)


@spec("CIMD", "8.7")
def test_a_server_that_misbehaves_is_asked_once_and_gives_nothing(server, monkeypatch):
    monkeypatch.setattr(fetch, "SECONDS", SECONDS)
    development = Development(frozenset({server.authority}), server.ca_file)
    survived = []
    for place, (name, behaviour) in enumerate(BEHAVED.items()):
        path, before = f"/behaved/{place}", server.knocks
        server.answers[path] = behaviour
        url = server.url(path)
        refused = gives_nothing(lambda url=url: fetch.fetch_json(url, limit=LIMIT, development=development))
        if not refused or server.knocks - before != 1 or server.seen[-1] != path:
            survived.append(name)
    assert survived == []
    assert "/good" not in server.seen
    assert fetch.fetch_json(server.url("/good"), limit=LIMIT, development=development).document == {}
