"""What a hostile name, address or server can make the only way out do: nothing, within five seconds."""

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit import addresses, fetch, turns
from kit.fetch import Development, Unfetchable
from tenants.errors import Unusable
from tests.harness import hostile
from tests.harness.hostile import Hostile
from tests.spec import spec
from trust import outbound

pytestmark = pytest.mark.once

LIMIT = 16 * 1024
INSIDE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.170",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.1.1",
    "192.175.48.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%1",
    "2606:4700::1%eth0",
    "fec0::1",
    "ff02::1",
    "2620:4f:8000::1",
]
SPELLINGS = [
    "https://127.0.0.1/x",
    "https://2130706433/x",
    "https://0x7f000001/x",
    "https://0177.0.0.1/x",
    "https://0x7f.0.0.0x1/x",
    "https://0x7f.0x1/x",
    "https://evil.0x/x",
    "https://0300.0250.0001.0001/x",
    "https://127.0.0.1./x",
    "https://0/x",
    "https://127.1/x",
    "https://127.0.1/x",
    "https://[::1]/x",
    "https://[::ffff:127.0.0.1]/x",
    "https://[64:ff9b::7f00:1]:443/x",
    "https://[2002:7f00:1::]/x",
    "https://[fe80::1%25eth0]/x",
    "https://localhost./x",
    "https://evil.example./x",
    "https://user@evil.example/x",
    "https://evil.example@127.0.0.1/x",
    "https://evil.example:99999/x",
    "https://evil_host.example/x",
    "http://evil.example/x",
    "HTTPS://evil.example/x",
    "ftp://evil.example/x",
    "//evil.example/x",
    "https:evil.example/x",
    "https://evil.example/x#y",
    "https://evil.example\\@good.example/x",
    "https://-evil.example/x",
    "https:///x",
    "https://１２７.0.0.1/x",
    "https://127。0。0。1/x",
    "https://127.0.0.1%2f@evil.example/x",
    "https://evil.example%00.good.example/x",
    "https://evil.example:443:80/x",
    "https://evil.example/\tx",
    "https://1.1.1.1/x",
    "https://evil/x",
    "https://evil.example/{x}",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    with hostile.serving(Path(tmp_path_factory.mktemp("hostile"))) as server:
        yield server


@pytest.fixture
def development(server: Hostile) -> Development:
    return Development(frozenset({server.authority}), server.ca_file)


def refused(url: str, development: Development) -> str:
    """Return why a fetch was refused, once it is known that it took no longer than it may."""
    before = time.monotonic()
    with pytest.raises(Unfetchable) as refusal:
        fetch.fetch_json(url, limit=LIMIT, development=development)
    assert time.monotonic() - before < fetch.SECONDS + 1, "the promise is a deadline, not a speed"
    return str(refusal.value)


@spec("CIMD", "8.6")
@pytest.mark.parametrize("address", INSIDE)
def test_an_address_of_special_use_is_never_outside(address):
    assert not addresses.is_outside(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450::1"])
def test_an_ordinary_address_is_outside(address):
    assert addresses.is_outside(address)


@spec("CIMD", "8.6")
@pytest.mark.parametrize("url", SPELLINGS)
def test_a_url_that_could_be_read_in_two_ways_is_not_fetched(url, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: pytest.fail("a name was looked up"))
    with pytest.raises(Unfetchable):
        fetch.fetch_json(url, limit=LIMIT)


@spec("CIMD", "8.6")
@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_never_connected_to(address, monkeypatch):
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: answer)
    monkeypatch.setattr(socket, "create_connection", lambda *args, **kwargs: pytest.fail("a connection was made"))
    with pytest.raises(Unfetchable):
        fetch.fetch_json("https://evil.example/x", limit=LIMIT)


def test_one_address_inside_among_good_ones_is_enough_to_refuse(monkeypatch):
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("8.8.8.8", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: answer)
    monkeypatch.setattr(socket, "create_connection", lambda *args, **kwargs: pytest.fail("a connection was made"))
    with pytest.raises(Unfetchable):
        fetch.fetch_json("https://evil.example/x", limit=LIMIT)


def test_a_name_whose_answer_changes_is_looked_up_once_and_the_checked_address_is_used(monkeypatch):
    answers = iter(["8.8.8.8", "127.0.0.1"])
    connected = []

    def look_up(*args, **kwargs):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), 443))]

    def connect(address, timeout):
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(Unfetchable):
        fetch.fetch_json("https://evil.example/x", limit=LIMIT)
    assert connected == [("8.8.8.8", 443)]


def test_a_name_server_that_does_not_answer_does_not_keep_the_request(monkeypatch):
    asleep = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: list(filter(None, [asleep.wait(30) and None])))
    monkeypatch.setattr(fetch, "SECONDS", 0.3)
    assert "no address" in refused("https://evil.example/x", Development())
    asleep.set()


def test_loopback_is_refused_but_for_the_exact_host_of_a_development_setting(server, development):
    assert "no address" in refused(server.url("/good"), Development(frozenset(), server.ca_file))
    assert "no address" in refused(server.url("/good"), Development(frozenset({"localhost:1"}), server.ca_file))
    assert fetch.fetch_json(server.url("/good"), limit=LIMIT, development=development).document == {}
    assert server.seen.count("/good") == 1


def test_a_certificate_that_nobody_vouches_for_is_refused(server):
    assert "SSL" in refused(server.url("/good"), Development(frozenset({server.authority})))


def test_a_ca_of_development_vouches_for_no_other_host(server, monkeypatch):
    monkeypatch.setattr(addresses, "is_outside", addresses.is_loopback)
    assert "SSL" in refused(server.url("/good"), Development(frozenset(), server.ca_file))


def test_a_ca_of_development_is_read_at_each_fetch_and_one_that_is_missing_vouches_for_nobody(server, tmp_path):
    ca_file, _ = hostile.authority(tmp_path)
    development = Development(frozenset({server.authority}), str(ca_file))
    assert "SSL" in refused(server.url("/read-anew"), development)
    shutil.copy(server.ca_file, ca_file)
    assert fetch.fetch_json(server.url("/read-anew"), limit=LIMIT, development=development).document == {}
    ca_file.unlink()
    assert "FileNotFoundError" in refused(server.url("/read-anew"), development)
    assert server.seen.count("/read-anew") == 1


@spec("CIMD", "4")
@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/redirect", hostile.redirect),
        ("/endless", hostile.endless),
        ("/bomb", hostile.bomb),
        ("/headers", hostile.many_headers),
        ("/large", hostile.json_answer(b'{"a": "' + b"a" * LIMIT + b'"}')),
        ("/array", hostile.json_answer(b"[]")),
        ("/deep", hostile.json_answer(b'{"a":' * 50 + b"1" + b"}" * 50)),
        ("/twice", hostile.json_answer(b'{"a": 1, "a": 2}')),
        ("/nan", hostile.json_answer(b'{"a": NaN}')),
        ("/html", lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{}")),
        ("/created", lambda connection: connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}")),
        ("/error", lambda connection: connection.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}")),
        ("/garbage", lambda connection: connection.sendall(b"\x00\x01\x02\r\n\r\n")),
        ("/closed", lambda connection: None),
    ],
)
def test_a_server_that_misbehaves_gives_nothing(server, development, path, answer):
    server.answers[path] = answer
    refused(server.url(path), development)


@spec("CIMD", "8.7")
@pytest.mark.parametrize("answer", [hostile.drip, hostile.drip_headers, hostile.silent])
def test_a_server_that_takes_its_time_is_left_at_the_deadline(server, development, answer, monkeypatch):
    # Longer than a byte's second: what arrives in time starts no new patience.
    monkeypatch.setattr(fetch, "SECONDS", 2.5)
    server.answers["/slow"] = answer
    before = time.monotonic()
    with pytest.raises(Unfetchable):
        fetch.fetch_json(server.url("/slow"), limit=LIMIT, development=development)
    assert 2 < time.monotonic() - before < 4, "the watchdog shuts the socket"


def test_slow_hosts_take_a_bounded_number_of_threads(server, development, monkeypatch):
    monkeypatch.setattr(fetch, "SECONDS", 1.0)
    server.answers["/silent"] = hostile.silent
    reasons = []

    def attempt():
        with pytest.raises(Unfetchable) as refusal:
            fetch.fetch_json(server.url("/silent"), limit=LIMIT, development=development)
        reasons.append(str(refusal.value))

    threads = [threading.Thread(target=attempt) for _ in range(turns.AT_ONCE + 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reasons.count("too many fetches are under way") == 4


def test_what_somebody_looks_at_takes_no_place_of_the_others(server, development, monkeypatch):
    monkeypatch.setattr(fetch, "SECONDS", 1.0)
    server.answers["/silent"] = hostile.silent
    server.answers["/keys"] = hostile.json_answer(b'{"a": 1}')
    reasons = []

    def look():
        with turns.aside(), pytest.raises(Unfetchable) as refusal:
            fetch.look(server.url("/silent"), development=development)
        reasons.append(str(refusal.value))

    threads = [threading.Thread(target=look) for _ in range(turns.AT_ONCE + 4)]
    for thread in threads:
        thread.start()
    assert fetch.fetch_json(server.url("/keys"), limit=LIMIT, development=development).document == {"a": 1}
    for thread in threads:
        thread.join()
    assert reasons.count("too many fetches are under way") == len(threads) - turns.ASIDE


def test_somebody_looks_at_one_host_at_a_time_and_another_looks_meanwhile():
    with outbound.looking("usr_a"):
        with pytest.raises(Unusable), outbound.looking("usr_a"):
            pass
        with outbound.looking("usr_b"):
            pass
    with outbound.looking("usr_a"):
        pass


@spec("CIMD", "5.2")
def test_what_the_server_says_of_keeping_is_told(server, development):
    server.answers["/kept"] = hostile.json_answer(b'{"a": 1}', headers=b"Cache-Control: max-age=90\r\n")
    server.answers["/not-kept"] = hostile.json_answer(b'{"a": 1}', headers=b"Cache-Control: no-store\r\n")
    assert fetch.fetch_json(server.url("/kept"), limit=LIMIT, development=development).max_age == 90
    assert fetch.fetch_json(server.url("/not-kept"), limit=LIMIT, development=development).max_age == 0
