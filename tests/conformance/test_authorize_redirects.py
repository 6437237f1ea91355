"""Where an authorization request may return to, and the page for those that may not return at all."""

from urllib.parse import urlsplit

import pytest

from agents import actions as agent_actions
from audit.principals import SYSTEM
from kit import context
from tests.harness.browser import answer
from tests.harness.footprint import leaves_only
from tests.harness.world import REDIRECT
from tests.spec import spec

pytestmark = pytest.mark.once  # What is judged here is judged before any database is asked, or by its page alone.

CHALLENGE = "c" * 43
WEB = "https://app.example/callback"


def page_for(world, url):
    """Return the browser with the page that says no: it leads nowhere, and nothing was written."""
    browser = world.browser()
    with leaves_only(world):
        browser.go(url)
    page = browser.page
    assert page.status_code == 400
    assert page.headers["content-type"].startswith("text/html")
    assert "location" not in page.headers
    assert "http-equiv" not in page.text
    assert "Nothing was shared" in browser.words()
    assert page.headers["cache-control"] == "no-store"
    return browser


def refused_on_a_page(world, who, **changes):
    return page_for(world, world.authorize_url(who, CHALLENGE, **changes))


@spec("RFC 8252", "7.3")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
@pytest.mark.parametrize("port", ["", ":1", ":49152", ":65535"])
def test_a_loopback_redirect_may_come_with_any_port(world, host, port):
    scout = world.public_client(redirect_uris=[f"http://{host}/callback"])
    sent = f"http://{host}{port}/callback"
    browser = world.ask(scout, redirect_uri=sent, response_type="token")
    assert browser.page.headers["location"].startswith(f"{sent}?error=")


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize(
    "sent",
    [
        "http://127.0.0.1:5000/Callback",
        "http://127.0.0.1:5000/callback/",
        "http://127.0.0.1:5000/callback/../x",
        "http://127.0.0.1:5000/callback?x=1",
        "http://127.0.0.1:5000/callback#f",
        "http://localhost:5000/callback",
        "http://[::1]:5000/callback",
        "https://127.0.0.1:5000/callback",
        "http://127.0.0.1:99999/callback",
        "http://127.0.0.1@evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://127.0.0.1:5000@evil.example/callback",
        "http://127.0.0.1\\@evil.example/callback",
        "http://2130706433/callback",
        "//127.0.0.1/callback",
        "javascript:alert(1)//127.0.0.1/callback",
        f"{REDIRECT} https://evil.example/",
        "https://evil.example/callback",
    ],
)
def test_anything_but_the_port_of_a_loopback_redirect_must_match(world, sent):
    scout = world.public_client()
    refused_on_a_page(world, scout, redirect_uri=sent)


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize(
    "sent",
    [
        "https://app.example/callback/",
        "https://app.example:443/callback",
        "https://app.example/Callback",
        "https://APP.example/callback",
        "https://app.example/callback?",
        "https://app.example/callback%2f",
        "https://app.example.evil.example/callback",
        "https://app.example@evil.example/callback",
        "https://evil@app.example/callback",
        "https://app.example\\.evil.example/callback",
        "https://app.example\t/callback",
        "http://app.example/callback",
        "HTTPS://app.example/callback",
    ],
)
def test_a_web_redirect_matches_byte_by_byte(world, sent):
    scout = world.public_client(redirect_uris=[WEB])
    assert world.ask(scout, redirect_uri=WEB, response_type="token").page.status_code == 303
    refused_on_a_page(world, scout, redirect_uri=sent)


@spec("RFC 6749", "3.1.2.3")
def test_the_redirect_may_be_left_out_where_only_one_is_registered(world):
    browser = world.ask(world.public_client(), redirect_uri=None, response_type="token")
    assert browser.page.headers["location"].startswith(REDIRECT)


@spec("RFC 6749", "3.1.2.3")
def test_the_redirect_may_not_be_left_out_where_two_are_registered(world):
    scout = world.public_client(redirect_uris=[REDIRECT, WEB])
    refused_on_a_page(world, scout, redirect_uri=None)


@spec("RFC 6749", "4.1.2.1")
def test_the_page_shows_what_was_sent_what_is_registered_and_the_difference_in_words(world):
    scout = world.public_client(redirect_uris=[WEB])
    browser = world.ask(scout, redirect_uri="https://app.evil.example/callback/")
    words = browser.words()
    assert "return address we do not know" in words
    assert "Sent https://app.evil.example/callback/" in words
    assert f"Registered {WEB}" in words
    assert "Difference host name, and a slash at the end." in words
    assert "invalid_redirect_uri" in words
    assert browser.page.headers["x-request-id"] in words


@spec("RFC 6749", "4.1.2.1")
@pytest.mark.parametrize(
    "client_id", [None, "", "dcr_unknown", "' OR 1=1 --", "DCR_", "a\x00b", "<script>", "x" * 3000, "\u202e"]
)
def test_an_unknown_client_gets_a_page(world, client_id):
    scout = world.public_client()
    browser = refused_on_a_page(world, scout, client_id=client_id)
    assert "<script>" not in browser.page.text


@spec("RFC 6749", "2.2")
def test_a_client_id_is_compared_with_its_case(world):
    scout = world.public_client()
    refused_on_a_page(world, scout, client_id=scout.id.upper())


@spec("RFC 6749", "3.1")
@pytest.mark.parametrize(
    "name",
    [
        "client_id",
        "redirect_uri",
        "state",
        "scope",
        "response_type",
        "code_challenge",
        "code_challenge_method",
        "nonce",
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_repeated_parameter_is_a_page_and_never_a_redirect(world, name, is_first):
    scout = world.public_client()
    value = {"redirect_uri": "https://evil.example/", "client_id": scout.id}.get(name, "again")
    honest = world.authorize_url(scout, CHALLENGE, nonce="n")
    own = next(pair for pair in urlsplit(honest).query.split("&") if pair.startswith(f"{name}="))
    pairs = [f"{name}={value}", own] if is_first else [own, f"{name}={value}"]
    page_for(world, honest.replace(own, "&".join(pairs)))


@spec("RFC 6749", "3.1")
@pytest.mark.parametrize(
    "tail", ["&x=%00", "&x=%ff", "&" + "&".join(f"p{n}=1" for n in range(120)), "&x=" + "a" * 17000]
)
def test_a_request_that_cannot_be_read_without_guessing_is_a_page(world, tail):
    scout = world.public_client()
    page_for(world, world.authorize_url(scout, CHALLENGE) + tail)


@spec("RFC 6749", "2.3")
@pytest.mark.parametrize("stop", ["disable_client", "suspend_agent"])
def test_a_client_that_was_switched_off_gets_a_page(world, stop):
    scout = world.public_client()
    with context.use(world.tenant):
        about = scout.client if stop == "disable_client" else scout.client.agent
        getattr(agent_actions, stop)(about, by=SYSTEM, reason="test")
    refused_on_a_page(world, scout)


@spec("RFC 6749", "4.1.1")
def test_a_client_without_the_code_grant_is_not_asked_about(world):
    worker = world.worker(redirect_uris=[WEB])
    with leaves_only(world, "authorization.refused"):
        browser = world.ask(worker, redirect_uri=WEB)
    assert answer(browser.page)["error"] == "unauthorized_client"


@spec("RFC 8252", "7.1")
@pytest.mark.parametrize(
    "uri", ["com.example.app:/callback", "com.example.app://callback", "com.example.app:///callback?keep=1"]
)
def test_an_app_is_returned_to_by_a_page_that_says_so(world, uri):
    scout = world.public_client(redirect_uris=[uri])
    browser = world.ask(scout, "alice", redirect_uri=uri)
    browser.decide()
    assert browser.page.status_code == 200
    assert browser.page.headers["referrer-policy"] == "no-referrer"
    joined = "&amp;" if "?" in uri else "?"
    assert f'href="{uri}{joined}code=' in browser.page.text
    assert f'content="0;url={uri}{joined}code=' in browser.page.text


@spec("RFC 6749", "4.1.2")
def test_the_registered_query_of_a_redirect_is_kept(world):
    uri = f"{WEB}?tenant=a%20b&x="
    scout = world.public_client(redirect_uris=[uri])
    browser = world.ask(scout, redirect_uri=uri, response_type="token")
    assert browser.page.headers["location"].startswith(f"{uri}&error=")
