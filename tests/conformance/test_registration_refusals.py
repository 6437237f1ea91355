"""What no client may register: addresses, names, pages and bodies that would hurt somebody later."""

import json

import pytest

from tests.harness.footprint import leaves_only
from tests.harness.world import REDIRECT
from tests.spec import spec

pytestmark = pytest.mark.once  # What is judged here is judged before any database is asked, or by its page alone.

JSON = {"Content-Type": "application/json"}
MINIMAL = {"client_name": "Scout", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"}


def refused(world, body, code="invalid_client_metadata", status=400):
    """Send a registration that must be refused, whole, and leave nothing."""
    raw = body if isinstance(body, bytes) else json.dumps({**MINIMAL, **body}).encode()
    with leaves_only(world, *(["client.refused"] if status == 400 else [])):
        response = world.http.post(world.url("/register"), content=raw, headers=JSON)
    assert (response.status_code, response.json().get("error")) == (status, code), response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.json().keys() == {"error", "error_description"}
    assert response.elapsed.total_seconds() < 5


@spec("RFC 7591", "2.1")
@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback",
        "https://app.example:8443/callback?keep=1",
        "https://xn--bcher-kva.example/cb",
        "http://127.0.0.1/callback",
        "http://127.0.0.1:5000/callback",
        "http://localhost/callback",
        "http://[::1]/callback",
        "com.example.app:/callback",
        "com.example.app://callback",
    ],
)
def test_an_address_that_leads_to_the_client_alone_is_registered(world, uri):
    response = world.http.post(world.url("/register"), json={**MINIMAL, "redirect_uris": [uri]})
    assert (response.status_code, response.json().get("redirect_uris")) == (201, [uri])


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\nscript:alert(1)",
        "data:text/html,x", "DATA:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:https://a.example/x",
        "about:blank", "ftp://a.example/", "ws://a.example/", "wss://a.example/", "mailto:a@b.example", "app:/cb",
        "myapp://callback", "http://app.example/cb", "http://10.0.0.1/cb", "http://127.0.0.1.evil.example/cb",
        "http://localhost.evil.example/cb", "http://0.0.0.0/cb", "http://2130706433/cb", "http://127.1/cb",
        "https://app.example/cb#fragment", "https://app.example/cb#", "https://user@app.example/cb",
        "https://user:pass@app.example/cb", "https://a@@b.example/cb", "https://app.example\\@evil.example/cb",
        "https://app.example/\\evil", "https://*.example/cb", "https://app.example/*", "https://app.example:99999/cb",
        "https://app.example:x/cb", "https:///cb", "https://", "https:app.example/cb", "//app.example/cb", "/callback",
        "callback", "", " ", "https://app.example/c b", "https://app.example/\tcb", "https://app.example/cb\x00",
        "https://app.example/cb\r\nX: y", "https://bücher.example/cb", "https://app.example/\u202ecb", "https://[::1/c",
        "https://app.example/<script>", 'https://app.example/"', "https://app.example/" + "a" * 2000, "com.app:",
    ],
)  # fmt: skip
def test_an_address_that_parsers_read_differently_or_anybody_could_own_is_refused(world, uri):
    refused(world, {"redirect_uris": [uri]}, _of_address(uri))


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize("bad", ["javascript:alert(1)", "https://app.example/cb#f"])
def test_one_bad_address_refuses_them_all(world, bad):
    refused(world, {"redirect_uris": [REDIRECT, bad]}, "invalid_redirect_uri")


@spec("RFC 7591", "2")
@pytest.mark.parametrize(
    "addresses",
    [None, [], "https://app.example/cb", {"0": REDIRECT}, [REDIRECT, 7], [None], [[REDIRECT]], [REDIRECT] * 21],
    ids=["missing", "empty", "a string", "an object", "a number", "null", "nested", "21"],
)
def test_addresses_are_a_short_list_of_strings(world, addresses):
    refused(world, {"redirect_uris": addresses}, "invalid_redirect_uri")


@spec("RFC 7591", "5")
@pytest.mark.parametrize(
    "name",
    [
        "<b>Claude</b>",
        "{{ 7*7 }}",
        "{% csrf_token %}",
        "O'Brien & Söhne",
        "日本語の代理人",
        "${jndi:ldap://x}",
        "a" * 100,
    ],
)
def test_a_name_is_text_in_any_language(world, name):
    response = world.http.post(world.url("/register"), json={**MINIMAL, "client_name": name})
    assert (response.status_code, response.json().get("client_name")) == (201, name)


@spec("RFC 7591", "5")
def test_blanks_in_a_name_are_folded(world):
    response = world.http.post(world.url("/register"), json={**MINIMAL, "client_name": "  Night\u00a0 \n triage\t"})
    assert response.json()["client_name"] == "Night triage"


@spec("RFC 7591", "5")
@pytest.mark.parametrize(
    "name",
    ["", "   ", "a\u202eb", "\u2066Remit\u2069", "Rem\u200bit", "Rem\u00adit", "a\x07b", "a\x7fb", "a\x00b", "\ud800",
     "\ue000", "a" * 101, 7, True, ["Scout"], {"en": "Scout"}],
)  # fmt: skip
def test_a_name_that_does_not_show_what_it_is_is_refused(world, name):
    refused(world, {"client_name": name})


@spec("RFC 7591", "2")
@pytest.mark.parametrize("member", ["client_uri", "logo_uri", "policy_uri", "tos_uri"])
@pytest.mark.parametrize(
    "uri",
    ["javascript:alert(1)", "data:text/html,x", "http://app.example/", "//app.example/", "https://u@app.example/", "x",
     "https://app.example/\u202e", "https://" + "a" * 2000, 7, ["https://app.example/"]],
)  # fmt: skip
def test_a_page_of_a_client_is_https(world, member, uri):
    refused(world, {member: uri})


@spec("RFC 7591", "2")
@pytest.mark.parametrize("member", ["software_id", "software_version", "application_type", "scope"])
@pytest.mark.parametrize("value", [7, ["a"], {"a": 1}, "a" * 2001, "\ud800", "a\x01b", "a\r\nb", "\u202e"])
def test_a_word_of_a_client_is_a_short_printable_string(world, member, value):
    refused(world, {member: value})


@spec("RFC 7591", "2")
@pytest.mark.parametrize("method", ["private_key_jwt", "client_secret_jwt", "tls_client_auth", "NONE", "", 7, ["none"]])
def test_an_authentication_method_that_is_not_served_is_refused(world, method):
    refused(world, {"token_endpoint_auth_method": method})


@spec("RFC 7591", "2")
@pytest.mark.parametrize("grants", ["authorization_code", [7], [], ["refresh_token"], {"authorization_code": True}])
def test_grants_are_a_list_with_the_code_grant(world, grants):
    refused(world, {"grant_types": grants})


@spec("RFC 7591", "2")
def test_two_sets_of_keys_exclude_each_other(world):
    refused(world, {"jwks": {"keys": []}, "jwks_uri": "https://app.example/jwks"})


@spec("RFC 7591", "3.1")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"{'single': 1}",
        json.dumps(MINIMAL).encode("utf-16"),
        b"\xef\xbb\xbf" + json.dumps(MINIMAL).encode(),
        b'{"redirect_uris": ["https://a.example/\xff"]}',
        b'{"redirect_uris": ["https://a.example/"], "redirect_uris": ["https://evil.example/"]}',
        b'{"redirect_uris": ["https://a.example/"], "x": {"y": 1, "y": 2}}',
        b'{"redirect_uris": ["https://a.example/"], "x": NaN}',
        b'{"redirect_uris": ["https://a.example/"], "x": -Infinity}',
        b'{"redirect_uris": ["https://a.example/"], "x": "\\u0000"}',
        b'{"redirect_uris": ["https://a.example/"], "x": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"redirect_uris": ["https://a.example/"], "x": ' + b"9" * 5000 + b"}",
        b'{"redirect_uris": ["https://a.example/"], "x": "' + b"a" * 65000 + b'" ',
    ],
    ids=lambda body: repr(body[:40]),
)
def test_a_body_that_is_not_one_plain_json_object_is_refused(world, body):
    refused(world, body)


@spec("RFC 7591", "3.1")
@pytest.mark.parametrize("size", [64 * 1024 + 1, 3 * 1024 * 1024])
def test_a_body_over_the_cap_is_not_read(world, size):
    body = b'{"redirect_uris": ["https://a.example/"], "x": "' + b"a" * size + b'"}'
    refused(world, body, "invalid_request", 413)


def _of_address(uri):
    # A NUL is refused where JSON is read, before anybody knows what it stands in.
    return "invalid_client_metadata" if "\x00" in uri else "invalid_redirect_uri"
