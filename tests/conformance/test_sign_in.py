"""Signing in: one refusal for every reason, limits that cannot be stepped around, sessions that end."""

import re
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache
from django.db import connection
from django.test import Client as InProcess
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tenants.models import User
from tests.harness.footprint import leaves_only
from tests.harness.world import PASSWORD
from tests.spec import spec

REFUSAL = "The email address and/or password you specified are not correct."
LIMIT = "Too many failed login attempts"


class Visitor:
    """A browser inside the test process: its failures count against no other test's."""

    def __init__(self, world):
        self.path = f"/t/{world.tenant.slug}/login"
        self.http = InProcess(SERVER_NAME=urlsplit(world.origin).hostname)

    def sign_in(self, email, password):
        return self.http.post(self.path, {"login": email, "password": password})


@pytest.fixture
def visitor(world):
    cache.clear()
    return Visitor(world)


def without_what_was_typed(page, email):
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page.content.decode().replace(email, "…"))


@spec("RFC 9700", "2.1")
def test_every_reason_for_a_no_gives_the_same_page(world, elsewhere, visitor):
    suspended = world.email("bob")
    with context.use(world.tenant):
        tenant_actions.suspend_member(world.people["bob"], by=SYSTEM, reason="test")
    User.objects.filter(pk=world.people["ada"].user_id).update(is_active=False)
    tries = {
        "wrong password": (world.email("alice"), "wrong"),
        "nobody": (f"nobody@{world.tenant.slug}.example", PASSWORD),
        "member elsewhere": (elsewhere.email("alice"), PASSWORD),
        "suspended member": (suspended, PASSWORD),
        "disabled person": (world.email("ada"), PASSWORD),
    }
    pages = {why: visitor.sign_in(*what) for why, what in tries.items()}
    assert {why: page.status_code for why, page in pages.items()} == dict.fromkeys(tries, 200)
    texts = {without_what_was_typed(pages[why], tries[why][0]) for why in tries}
    assert len(texts) == 1
    assert REFUSAL in texts.pop()


@spec("RFC 9700", "2.1")
def test_a_refused_sign_in_is_written_down_and_names_whoever_has_a_place_here(world, visitor):
    with leaves_only(world, "login.refused"):
        visitor.sign_in(world.email("alice"), "wrong")
    with leaves_only(world, "login.refused"):
        visitor.sign_in("nobody@nowhere.example", "wrong")
    entry, other = world.entries("login.refused")
    assert (entry.principal_id, other.principal_id) == (world.people["alice"].pk, "stranger")
    assert "wrong" not in f"{entry.detail}{entry.reason}"
    assert "nowhere" not in f"{vars(other)}"


@spec("RFC 9700", "2.1")
def test_a_wrong_password_costs_the_same_whether_the_person_is_known_or_not(world, visitor):
    asked = []
    for email in (world.email("alice"), "nobody@nowhere.example"):
        with CaptureQueriesContext(connection) as found:
            visitor.sign_in(email, "wrong")
        statements = [each["sql"] for each in found]
        begun = next(number for number, sql in enumerate(statements) if "account_emailaddress" in sql)
        asked.append([sql.split()[0] for sql in statements[begun:]])  # Before it the process reads the tenant anew.
    assert asked[0] == asked[1]
    assert asked[0].count("INSERT") == 1


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize("spelling", [str, str.upper, str.title])
def test_after_five_wrong_passwords_the_right_one_is_refused_too(world, visitor, spelling):
    with override_settings(ACCOUNT_RATE_LIMITS={"login_failed": "5/300s/key"}):
        for number in range(5):
            email = world.email("alice") if number % 2 else spelling(world.email("alice"))
            assert REFUSAL in visitor.sign_in(email, "wrong").content.decode()
        refusal = visitor.sign_in(world.email("alice"), PASSWORD)
        assert visitor.sign_in(world.email("bob"), PASSWORD).status_code == 302
    assert LIMIT in refusal.content.decode()


@spec("RFC 9700", "2.1")
def test_a_right_password_where_one_has_no_place_counts_like_a_wrong_one(world, elsewhere, visitor):
    stranger = elsewhere.email("alice")
    with override_settings(ACCOUNT_RATE_LIMITS={"login_failed": "5/300s/key"}):
        said = [visitor.sign_in(stranger, PASSWORD).content.decode() for _ in range(6)]
    assert [LIMIT in page for page in said] == [False] * 5 + [True]


@spec("RFC 9700", "2.1")
def test_too_many_attempts_from_one_address_are_told_to_wait(world, visitor):
    with override_settings(ACCOUNT_RATE_LIMITS={"login": "2/m/ip"}):
        for _ in range(2):
            assert visitor.sign_in(world.email("alice"), "wrong").status_code == 200
        with leaves_only(world):
            refusal = visitor.sign_in(world.email("alice"), PASSWORD)
    assert refusal.status_code == 429
    assert "_auth_user_id" not in visitor.http.session


@spec("RFC 9700", "4.7")
def test_the_session_cookie_is_named_after_the_tenant_and_out_of_reach_of_scripts(world):
    browser = world.browser()
    browser.go(world.url("/login"))
    filled = dict(browser.form("/login").fields) | {"login": world.email("alice"), "password": PASSWORD}
    response = browser.http.post(world.url("/login"), data=filled, headers={"Origin": world.origin})
    cookies = {line.partition("=")[0]: line for line in response.headers.get_list("set-cookie")}
    line = cookies.pop(f"{settings.SESSION_COOKIE_NAME}-{world.tenant.slug}")
    assert all(flag in line for flag in ("HttpOnly", "SameSite=Lax", "Path=/"))
    assert "Domain" not in line
    assert all("HttpOnly" in other and "SameSite=Lax" in other for other in cookies.values())
    assert settings.SESSION_COOKIE_NAME not in cookies


@spec("RFC 9700", "4.7")
def test_the_session_key_changes_at_sign_in_and_the_old_one_is_nobody(world):
    name = f"{settings.SESSION_COOKIE_NAME}-{world.tenant.slug}"
    browser = world.ask(world.public_client())
    planted = browser.http.cookies[name]
    browser.sign_in(world.email("alice"), PASSWORD)
    assert browser.http.cookies[name] != planted
    thief = world.browser()
    thief.http.cookies.set(name, planted)
    thief.go(world.url("/me/agents"))
    assert str(thief.page.url).startswith(world.url("/login"))


@spec("RFC 9700", "4.7")
def test_a_session_key_that_we_did_not_make_is_not_taken_over(world):
    name = f"{settings.SESSION_COOKIE_NAME}-{world.tenant.slug}"
    chosen = "chosen0by0the0attacker0000000000"
    victim, thief = world.browser(), world.browser()
    for browser in (victim, thief):
        browser.http.headers["Cookie"] = f"{name}={chosen}"
    assert victim.http.get(world.url("/authorize")).status_code == 400
    thief.go(world.url("/me/agents"))
    assert str(thief.page.url).startswith(world.url("/login"))
    assert not SessionStore(chosen).exists(chosen)


@spec("RFC 7009", "2.1")
@pytest.mark.parametrize("how", ["suspended here", "disabled everywhere"])
def test_whoever_loses_their_place_loses_the_session(world, how):
    browser = world.browser("alice")
    if how == "suspended here":
        with context.use(world.tenant):
            tenant_actions.suspend_member(world.people["alice"], by=SYSTEM, reason="test")
    else:
        User.objects.filter(pk=world.people["alice"].user_id).update(is_active=False)
    browser.go(world.url("/me/agents"))
    assert str(browser.page.url).startswith(world.url("/login"))


@spec("RFC 9700", "4.7")
def test_signing_out_ends_the_session_and_needs_a_post(world):
    name = f"{settings.SESSION_COOKIE_NAME}-{world.tenant.slug}"
    browser = world.browser("alice")
    key = browser.http.cookies[name]
    browser.go(world.url("/logout"))
    assert browser.go(world.url("/me/agents")).status_code == 200
    browser.go(world.url("/logout"))
    browser.submit(browser.form("/logout"))
    browser.http.cookies.set(name, key)
    browser.go(world.url("/me/agents"))
    assert str(browser.page.url).startswith(world.url("/login"))


@spec("RFC 9700", "2.1")
def test_nobody_signs_up(world):
    browser = world.browser()
    page = browser.go(world.url("/signup"))
    assert "Sign-up is closed" in page.text
    assert browser.forms() == []
