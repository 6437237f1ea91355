"""Redirect URIs and resource identifiers: what is refused, and what may differ."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import uris
from tests.spec import spec

pytestmark = pytest.mark.once

ACCEPTABLE = (
    "https://app.example/callback",
    "https://app.example:8443/callback?x=1",
    "http://127.0.0.1/callback",
    "http://127.0.0.1:49152/callback",
    "http://[::1]:8080/cb",
    "http://localhost/",
    "com.example.app:/oauth2redirect",
    "com.example.app://callback",
)
NASTY = (
    # Whose host is it?
    "https://client.example@evil.example/",
    "https://client.example:443@evil.example/",
    "https://a@@client.example/",
    "https://client.example\\@evil.example/",
    "https://client.example\\.evil.example/",
    "http://127.0.0.1@evil.example/cb",
    "http://127.0.0.1:80@evil.example/cb",
    "http://localhost.evil.example/cb",
    "http://localhostevil/cb",
    "http://[::1]evil.example/cb",
    "http://[::1].evil.example/cb",
    "http://evil[::1]/cb",
    "http://[::1]:80:80/cb",
    "http://[::1",
    "http://[]/cb",
    "http://[::2]/cb",
    "http://127.0.0.2/cb",
    "http://0x7f000001/cb",
    "http://127.1/cb",
    "http://2130706433/cb",
    "http://0.0.0.0/cb",
    "http://127.0.0.1.nip.io/cb",
    "http://app.example/callback",
    "https://",
    "https:///path",
    "https:path",
    "https:/path",
    # What scheme is it?
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    " javascript:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "javascript://app.example/%0aalert(1)",
    "data:text/html,x",
    "DATA:text/html;base64,eA==",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://app.example/1",
    "about:blank",
    "ftp://app.example/",
    "ws://app.example/",
    "mailto:a@b.example",
    "myapp:/callback",
    "//evil.example/callback",
    "/callback",
    "callback",
    "app.example/callback",
    "",
    # What is behind it?
    "https://app.example/callback#",
    "https://app.example/callback#fragment",
    "com.example.app:/cb#x",
    "https://*.example/callback",
    "https://app.example/*",
    "https://app.example/call back",
    "https://app.example/callback ",
    " https://app.example/callback",
    "https://app.example/\r\nSet-Cookie:x",
    "https://app.example/\x00",
    "https://app.example/\x7f",
    'https://app.example/"onload=',
    "https://app.example/<script>",
    "https://app.example:99999/callback",
    "https://app.example:-1/callback",
    "https://app.example:port/callback",
    "https://аpp.example/callback",
    "https://app\u200b.example/callback",
    "https://app.example/\u202ecallback",
    "com.example.app:",
)
loopback_hosts = st.sampled_from(["127.0.0.1", "[::1]", "localhost"])
ports = st.none() | st.integers(0, 65535)
paths = st.from_regex(r"(/[a-z0-9;=.~-]{0,6}){0,3}(\?[a-z=&]{0,6})?", fullmatch=True)


def _loopback(host, port, path):
    return f"http://{host}{'' if port is None else f':{port}'}{path}"


@pytest.mark.parametrize("uri", ACCEPTABLE)
def test_what_may_be_registered_may_be_sent(uri):
    assert uris.is_acceptable_redirect(uri)
    assert uris.redirect_matches(uri, uri)


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize("uri", NASTY)
def test_a_nasty_redirect_may_not_be_registered_and_matches_nothing(uri):
    assert not uris.is_acceptable_redirect(uri)
    assert not any(uris.redirect_matches(uri, registered) for registered in (uri, *ACCEPTABLE))


@pytest.mark.parametrize(
    ("sent", "registered"),
    [
        ("http://127.0.0.1/callback/", "http://127.0.0.1/callback"),
        ("http://127.0.0.1/Callback", "http://127.0.0.1/callback"),
        ("http://127.0.0.1/callback?", "http://127.0.0.1/callback"),
        ("http://127.0.0.1/callback?a=1", "http://127.0.0.1/callback"),
        ("http://127.0.0.1/%63allback", "http://127.0.0.1/callback"),
        ("http://127.0.0.1/x/../callback", "http://127.0.0.1/callback"),
        ("http://localhost/callback", "http://127.0.0.1/callback"),
        ("http://[::1]/callback", "http://127.0.0.1/callback"),
        ("https://127.0.0.1/callback", "http://127.0.0.1/callback"),
        ("HTTP://127.0.0.1/callback", "http://127.0.0.1/callback"),
        ("http://LOCALHOST/callback", "http://localhost/callback"),
        ("https://app.example:444/callback", "https://app.example/callback"),
        ("https://app.example/callback/", "https://app.example/callback"),
        ("https://APP.example/callback", "https://app.example/callback"),
        ("https://app.example/callback?x", "https://app.example/callback"),
        ("https://app.example.evil.example/callback", "https://app.example/callback"),
        ("https://evil.example/https://app.example/callback", "https://app.example/callback"),
        ("com.example.app://localhost:1/cb", "com.example.app://localhost/cb"),
    ],
)
def test_one_difference_is_one_too_many(sent, registered):
    assert not uris.redirect_matches(sent, registered)
    assert not uris.redirect_matches(registered, sent) or registered == sent


@spec("RFC 8252", "7.3")
@given(loopback_hosts, ports, ports, paths)
def test_the_port_of_a_loopback_redirect_may_differ(host, one, other, path):
    assert uris.redirect_matches(_loopback(host, one, path), _loopback(host, other, path))


@given(loopback_hosts, loopback_hosts, ports, ports, paths, paths)
def test_nothing_but_the_port_of_a_loopback_redirect_may_differ(host, host2, port, port2, path, path2):
    same = (host, path) == (host2, path2)
    assert uris.redirect_matches(_loopback(host, port, path), _loopback(host2, port2, path2)) == same


@given(st.text(max_size=60))
def test_text_that_is_sent_matches_a_registered_redirect_only_as_itself_or_by_its_port(sent):
    for registered in ACCEPTABLE:
        if uris.redirect_matches(sent, registered):
            assert sent == registered or registered.startswith("http://")


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_difference_can_always_be_said(sent, registered):
    assert uris.difference(sent, registered)
    for acceptable in ACCEPTABLE:
        assert uris.difference(sent, acceptable)
        assert uris.difference(acceptable, registered)


@pytest.mark.parametrize("uri", NASTY)
def test_the_difference_of_a_nasty_redirect_can_be_said(uri):
    assert uris.difference(uri, ACCEPTABLE[0]).endswith(".") or "ASCII" in uris.difference(uri, ACCEPTABLE[0])


@given(st.text(max_size=60) | st.sampled_from(ACCEPTABLE + NASTY))
def test_a_canonical_resource_is_its_own_canonical_form(uri):
    once = uris.canonical_resource(uri)
    assert uris.canonical_resource(once) == once


@spec("RFC 8707", "2")
@pytest.mark.parametrize(
    ("uri", "canonical"),
    [
        ("HTTPS://Calendar.Example/MCP", "https://calendar.example/MCP"),
        ("https://calendar.example//Mcp", "https://calendar.example//Mcp"),
        ("https://calendar.example:8443", "https://calendar.example:8443"),
        ("urn:example:Calendar", "urn:example:Calendar"),
    ],
)
def test_scheme_and_host_of_a_resource_are_lower_case_and_the_path_is_left_alone(uri, canonical):
    assert uris.canonical_resource(uri) == canonical


@pytest.mark.parametrize(
    "uri", ["", "calendar", "/mcp", "https://a.example/#x", "https://u@a.example/", "https://a b/"]
)
def test_a_resource_identifier_is_absolute_and_has_no_fragment(uri):
    assert not uris.is_resource_identifier(uri)
