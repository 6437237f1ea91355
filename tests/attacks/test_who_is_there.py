"""Somebody else at an open browser: what makes a session fresh, for pages, for tokens and for whoever asks (0033)."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.mfa.models import Authenticator

from kit import context
from tenants.models import Membership
from tests.conformance.test_api import the_api
from tests.conformance.test_company_sign_in import arrives, members_of
from tests.conformance.test_step_up import age
from tests.harness import authenticator_app as app
from tests.harness import company, soft_key
from tests.harness.footprint import leaves_only
from tests.harness.world import answer, pkce
from tests.spec import spec

pytestmark = pytest.mark.interop
SCOPES = "members:read members:write"
NOW, YESTERDAY = 0, -86400


def peter_of(initech, place, seconds=None):
    """Sign in as Peter where a redirect led, at a provider that says when, or nothing that is a time."""
    when = "unsaid" if seconds is None else int(time.time()) + seconds
    return initech.sign_in(place, "peter", name="Peter", email="peter@initech.example", auth_time=when)


def admin(world, initech, provider):
    """Return the browser that Peter, an admin by his company, left open six minutes ago."""
    browser = arrives(world, initech, provider)
    world.rewrite(members_of(world)["Peter"], role="admin")
    age(world, browser)
    return browser


def removal(world):
    return world.url(f"/console/members/{world.people['bob'].pk}/remove")


def is_open(world, browser):
    return str(browser.go(removal(world)).url).endswith("/remove")


def fresh_token(world, browser):
    """Return a token by a request for a sign-in of five minutes, or "" where this browser gets none."""
    client, (verifier, challenge) = world.public_client("Console app"), pkce()
    asked = {"resource": world.tenant.api_identifier, "scope": SCOPES, "max_age": "300"}
    browser.go(world.authorize_url(client, challenge, **asked))
    if "/login" in str(browser.page.url) or browser.page.status_code == 303:
        return ""
    browser.decide(duration="week", scope=[f"{the_api(world).pk} {each}" for each in SCOPES.split()])
    return world.redeem(client, answer(browser.page)["code"], verifier).json()["access_token"]


def removes_bob(world, token):
    path, headers = f"/api/v1/members/{world.people['bob'].pk}/remove", {"Authorization": f"Bearer {token}"}
    return world.http.post(world.url(path), headers=headers, json={"reason": "left"})


@pytest.fixture
def provider(world, initech):
    return company.let_sign_in_at(world, initech.url, "remit", "a-secret-there")


@spec("RFC 9470", "3")
def test_a_company_that_asked_nobody_proves_nobodys_presence(world, initech, provider):
    browser = admin(world, initech, provider)
    place = browser.go(world.url(f"/login/company?at={provider.pk}")).headers["location"]
    browser.go(peter_of(initech, place))
    assert not is_open(world, browser)
    asked = parse_qs(urlsplit(browser.page.headers["location"]).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])
    for seconds, said in ((None, "does not say when you signed in"), (YESTERDAY, "did not ask you again")):
        place = browser.go(removal(world)).headers["location"]
        browser.go(peter_of(initech, place, seconds))
        assert said in browser.words()
        assert not is_open(world, browser)
    assert not world.entries("login.again")
    place = browser.go(removal(world)).headers["location"]
    browser.go(peter_of(initech, place, NOW))
    assert str(browser.page.url).endswith("/remove")
    assert world.entries("login.again")[-1].detail["methods"] == ["company"]


@spec("RFC 9470", "3")
@pytest.mark.parametrize("page", ["passkeys/add", "app/add"])
def test_a_session_that_was_left_open_adds_no_factor_for_whoever_comes_by_their_company(world, initech, provider, page):
    browser = admin(world, initech, provider)
    place = browser.go(world.url(f"/me/security/{page}")).headers.get("location", "")
    assert place.startswith(initech.url)
    browser.go(peter_of(initech, place, YESTERDAY))
    assert not Authenticator.objects.filter(user=members_of(world)["Peter"].user).exists()
    place = browser.go(world.url(f"/me/security/{page}")).headers["location"]
    browser.go(peter_of(initech, place, NOW))
    assert str(browser.page.url).endswith(page)


@spec("RFC 9470", "3")
def test_the_companys_word_stands_for_no_passkey_on_a_page_or_in_a_token(world, initech, provider):
    browser = arrives(world, initech, provider)
    world.rewrite(members_of(world)["Peter"], role="admin")
    key = soft_key.add(world, browser)
    for again in ("", "&again=1"):
        place = browser.go(world.url(f"/login/company?at={provider.pk}{again}")).headers["location"]
        browser.go(peter_of(initech, place, NOW))
        assert not is_open(world, browser)
        assert fresh_token(world, browser) == ""
    browser.go(world.url(f"/login/again/passkey?next={urlsplit(removal(world)).path}"))
    soft_key.prove(browser, key)
    assert str(browser.page.url).endswith("/remove")
    assert removes_bob(world, fresh_token(world, browser)).status_code == 200


@spec("RFC 9470", "3")
def test_a_token_of_before_the_first_factor_was_proved_by_none(world):
    ada = world.browser("ada")
    early = fresh_token(world, ada)
    secret = app.add(world, ada)
    with leaves_only(world):
        assert removes_bob(world, early).status_code == 401
    app.forget_steps(world, "ada")
    ada.go(world.url("/login/again/code"))
    app.prove(ada, app.code(secret))
    assert removes_bob(world, fresh_token(world, ada)).status_code == 200


@spec("RFC 9470", "3")
def test_what_somebody_else_proves_in_the_same_browser_makes_nobody_fresh(world, initech, provider):
    theirs = arrives(world, initech, provider)
    soft_key.add(world, theirs)
    ada = world.browser("ada")
    secret = app.add(world, ada)
    age(world, ada)
    place = ada.go(world.url(f"/login/company?at={provider.pk}")).headers["location"]
    ada.go(peter_of(initech, place, NOW))
    assert world.email("ada") in ada.page.text
    assert not is_open(world, ada)
    assert fresh_token(world, ada) == ""
    app.forget_steps(world, "ada")
    ada.go(world.url("/login/again/code"))
    app.prove(ada, app.code(secret))
    assert removes_bob(world, fresh_token(world, ada)).status_code == 200
    with context.use(world.tenant):
        assert Membership.objects.get(pk=world.people["bob"].pk).status == "suspended"
