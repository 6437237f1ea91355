"""Who is asked, and when: sign-in before the consent page, `prompt`, `max_age`, and what the page tells browsers."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from tests.harness.browser import answer
from tests.harness.footprint import leaves_only
from tests.harness.world import PASSWORD, claims, pkce
from tests.spec import spec

CONSENT = "Let Scout use Calendar for you?"


@pytest.fixture
def scout(world):
    return world.public_client()


@pytest.fixture
def alice(world):
    return world.browser("alice")


def ask(world, browser, who, **changes):
    return browser.go(world.authorize_url(who, pkce()[1], **changes))


def allow(world, browser, who, **changes):
    ask(world, browser, who, **changes)
    return answer(browser.decide())["code"]


@spec("OIDC Core", "3.1.2.3")
def test_whoever_is_not_signed_in_signs_in_and_comes_back_to_the_request(world, scout):
    browser = world.ask(scout, scope="events:read events:write")
    assert urlsplit(str(browser.page.url)).path == f"/t/{world.tenant.slug}/login"
    browser.sign_in(world.email("alice"), PASSWORD)
    assert CONSENT in browser.words()
    assert parse_qs(browser.page.url.query.decode())["scope"] == ["events:read events:write"]


@spec("RFC 9700", "4.12")
def test_the_answer_to_a_password_is_never_one_that_sends_it_on(world, scout):
    browser = world.ask(scout)
    filled = dict(browser.form("/login").fields) | {"login": world.email("alice"), "password": PASSWORD}
    response = browser.http.post(world.url("/login"), data=filled, headers={"Origin": world.origin})
    assert response.status_code in {302, 303}


@spec("OIDC Core", "3.1.2.6")
def test_prompt_none_without_a_session_is_login_required(world, scout):
    with leaves_only(world, "authorization.refused"):
        found = answer(world.ask(scout, prompt="none").page)
    assert (found["error"], found["iss"], found["state"]) == ("login_required", world.tenant.issuer, "the-state")


@spec("OIDC Core", "3.1.2.6")
def test_prompt_none_before_any_consent_is_consent_required(world, scout, alice):
    with leaves_only(world, "authorization.refused"):
        found = answer(ask(world, alice, scout, prompt="none"))
    assert (found["error"], found["iss"]) == ("consent_required", world.tenant.issuer)


@spec("OIDC Core", "3.1.2.1")
def test_prompt_none_after_a_consent_returns_a_good_code_without_a_page(world, scout, alice):
    allow(world, alice, scout)
    verifier, challenge = pkce()
    found = answer(alice.go(world.authorize_url(scout, challenge, prompt="none")))
    assert world.redeem(scout, found["code"], verifier).status_code == 200
    assert found["iss"] == world.tenant.issuer


@spec("RFC 9700", "4.11.2")
@pytest.mark.parametrize("change", [{"redirect_uri": "https://evil.example/"}, {"client_id": "dcr_unknown"}])
def test_prompt_none_redirects_nobody_before_client_and_address_are_known(world, scout, change):
    with leaves_only(world):
        page = world.ask(scout, prompt="none", **change).page
    assert page.status_code == 400
    assert "location" not in page.headers


@spec("OIDC Core", "3.1.2.1")
def test_prompt_login_asks_for_the_password_again_each_time(world, scout, alice):
    allow(world, alice, scout)
    for _ in range(2):
        ask(world, alice, scout, prompt="login")
        assert "Sign in again" in alice.words()
        alice.submit(alice.form("/login/again"), {"password": PASSWORD})
        assert answer(alice.page)["code"]


@spec("OIDC Core", "3.1.2.1")
def test_prompt_login_with_a_wrong_password_gives_no_code(world, scout, alice):
    allow(world, alice, scout)
    ask(world, alice, scout, prompt="login")
    with leaves_only(world, "login.refused"):
        alice.submit(alice.form("/login/again"), {"password": "wrong"})
    assert alice.page.status_code == 200
    assert "Sign in again" in alice.words()


@spec("OIDC Core", "3.1.2.1")
def test_the_very_request_that_was_answered_asks_again_when_it_comes_back_later(world, scout, alice):
    allow(world, alice, scout)
    url = world.authorize_url(scout, pkce()[1], prompt="login")
    alice.go(url)
    alice.submit(alice.form("/login/again"), {"password": PASSWORD})
    assert answer(alice.go(url))["code"]
    long_ago(world, alice, minutes=11)
    alice.go(url)
    assert "Sign in again" in alice.words()


@spec("OIDC Core", "3.1.2.1")
def test_max_age_asks_whoever_signed_in_longer_ago(world, scout, alice):
    allow(world, alice, scout)
    assert answer(ask(world, alice, scout, max_age="60"))["code"]
    long_ago(world, alice, minutes=2)
    ask(world, alice, scout, max_age="60")
    assert "Sign in again" in alice.words()
    assert answer(ask(world, alice, scout, max_age="600"))["code"]


@spec("OIDC Core", "3.1.2.1")
def test_max_age_and_prompt_none_are_login_required_once_the_session_is_too_old(world, scout, alice):
    allow(world, alice, scout)
    long_ago(world, alice, minutes=2)
    assert answer(ask(world, alice, scout, max_age="60", prompt="none"))["error"] == "login_required"


@spec("OIDC Core", "2")
def test_auth_time_is_when_the_person_last_gave_the_password(world, scout, alice):
    long_ago(world, alice, minutes=30)
    verifier, challenge = pkce()
    alice.go(world.authorize_url(scout, challenge, scope="openid", resource=None))
    tokens = world.redeem(scout, answer(alice.decide())["code"], verifier).json()
    age = timezone.now().timestamp() - claims(tokens["id_token"])["auth_time"]
    assert timedelta(minutes=29) < timedelta(seconds=age) < timedelta(minutes=31)


@spec("OIDC Core", "3.1.2.1")
@pytest.mark.parametrize("prompt", ["consent", "select_account"])
def test_prompt_consent_shows_the_page_again(world, scout, alice, prompt):
    allow(world, alice, scout)
    assert ask(world, alice, scout, prompt=prompt).status_code == 200
    assert CONSENT in alice.words()


@spec("RFC 9700", "4.16")
def test_the_consent_page_cannot_be_framed_and_does_not_cut_the_way_back(world, scout, alice):
    page = ask(world, alice, scout)
    policy = dict(part.strip().partition(" ")[::2] for part in page.headers["content-security-policy"].split(";"))
    assert policy["frame-ancestors"] == "'none'"
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert "form-action" not in policy
    assert page.headers["x-frame-options"] == "DENY"


@spec("RFC 9700", "4.2.4")
def test_the_consent_page_is_not_stored_not_sniffed_and_tells_no_other_site_its_address(world, scout, alice):
    page = ask(world, alice, scout)
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "same-origin"
    assert 'src="http' not in page.text
    assert 'href="http' not in page.text


@spec("RFC 9700", "4.16")
@pytest.mark.parametrize("path", ["/login", "/logout", "/login/again", "/me/agents", "/me/agents/past"])
def test_no_page_of_a_person_can_be_framed_or_runs_foreign_code(world, alice, path):
    page = alice.go(world.url(path))
    assert page.status_code == 200
    assert page.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "same-origin"


@spec("RFC 9700", "4.11")
@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "https://evil.example/",
        "https:evil.example",
        "http:///evil.example/",
        "https://localhost@evil.example/",
        "http://localhost:1/elsewhere",
        "http://localhost/elsewhere",
        "\t//evil.example/",
        "/\t/evil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
    ],
)
def test_signing_in_leads_nowhere_but_to_our_own_pages(world, alice, target):
    answered = alice.http.get(world.url("/login"), params={"next": target})
    assert answered.status_code == 302
    assert answered.headers["location"] == f"/t/{world.tenant.slug}/me/agents"


@spec("RFC 9700", "4.11")
def test_signing_out_leads_nowhere_but_to_our_own_pages(world, alice):
    alice.go(f"{world.url('/logout')}?next=https://evil.example/")
    alice.submit(alice.form("/logout"))
    assert str(alice.page.url) == world.url("/login")


def long_ago(world, browser, *, minutes):
    """Let the session's authentications, and what it was asked, lie that many minutes further back."""
    key = browser.http.cookies[f"{settings.SESSION_COOKIE_NAME}-{world.tenant.slug}"]
    session = SessionStore(key)
    for method in session["account_authentication_methods"]:
        method["at"] -= 60 * minutes
    asked = session.get("asked_to_sign_in", {})
    session["asked_to_sign_in"] = {name: since - 60 * minutes for name, since in asked.items()}
    session.save()
