"""The sign-in page asks the e-mail first, and its domain alone says what comes next."""

import re
import runpy
from html import unescape
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client as InProcess
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

import remit.settings
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tenants.models import Membership, User
from tests.conformance.test_company_sign_in import signed_in
from tests.conformance.test_sign_in import Visitor, visitor, without_what_was_typed  # noqa: F401 - pytest finds the fixture here
from tests.harness import company
from tests.harness.footprint import leaves_only
from tests.harness.world import PASSWORD
from tests.spec import spec

USED_LAST = "Used last in this browser."
THERE = "https://accounts.initech.example"


@pytest.fixture
def initech(world):
    """Initech's people, whose addresses end in its domain, sign in there."""
    return company.let_sign_in_at(world, THERE, "remit", "a-secret", email_domains=["initech.example"])


def say_who(world, email, path="/login"):
    browser = world.browser()
    browser.go(world.url(path))
    browser.submit(browser.form("/login"), {"login": email})
    return browser


def fields(browser):
    return dict(browser.form("/login").fields)


def way(world):
    return f"{settings.LAST_WAY_COOKIE_NAME}-{world.tenant.slug}"


def sign_out(world, browser):
    browser.go(world.url("/logout"))
    browser.submit(browser.form("/logout"))
    browser.go(world.url("/login"))


@spec("RFC 9700", "2.1")
def test_the_e_mail_is_asked_first_and_the_password_after_it(world):
    browser = world.browser()
    first = browser.go(world.url("/me/security"))
    assert ("password" in fields(browser), 'autocomplete="username webauthn"' in first.text) == (False, True)
    second = browser.submit(browser.form("/login"), {"login": world.email("alice")})
    assert (fields(browser)["login"], "password" in fields(browser)) == (world.email("alice"), True)
    assert all(f'autocomplete="{word}"' in second.text for word in ("username", "current-password"))
    browser.submit(browser.form("/login"), {"password": PASSWORD})
    assert str(browser.page.url) == world.url("/me/security")


@spec("RFC 9700", "2.1")
def test_a_wrong_password_is_typed_again_without_the_e_mail(world):
    browser = say_who(world, world.email("alice"), "/me/security")
    browser.submit(browser.form("/login"), {"password": "wrong"})
    assert "are not correct" in browser.words()
    browser.submit(browser.form("/login"), {"password": PASSWORD})
    assert str(browser.page.url) == world.url("/me/security")


@spec("RFC 9700", "2.1")
def test_the_second_step_says_of_nobody_whether_they_are_known(world, elsewhere, visitor):  # noqa: F811
    with context.use(world.tenant):
        tenant_actions.suspend_member(world.people["bob"], by=SYSTEM, reason="test")
    who = {
        "member": world.email("alice"),
        "nobody": f"nobody@{world.tenant.slug}.example",
        "member elsewhere": elsewhere.email("alice"),
        "suspended": world.email("bob"),
    }
    with leaves_only(world):
        pages = {why: visitor.http.post(visitor.path, {"login": email}) for why, email in who.items()}
    assert {page.status_code for page in pages.values()} == {200}
    texts = {without_what_was_typed(pages[why], who[why]) for why in who}
    assert len(texts) == 1
    assert 'name="password"' in texts.pop()


@spec("RFC 9700", "2.1")
def test_an_e_mail_alone_looks_nobody_up(world, visitor):  # noqa: F811
    with CaptureQueriesContext(connection) as asked:
        page = visitor.http.post(visitor.path, {"login": world.email("alice")})
    assert 'name="password"' in page.content.decode()
    tables = [model._meta.db_table for model in (User, Membership)]
    assert not [each["sql"] for each in asked if any(table in each["sql"] for table in tables)]


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize("typed", ["", "alice", "alice@", "a\x00@example.com", f"{'a' * 300}@example.com"])
def test_what_is_no_e_mail_is_asked_for_again(world, typed):
    browser = say_who(world, typed)
    assert (browser.page.status_code, "password" in fields(browser)) == (200, False)
    assert "id_login_error" in browser.page.text
    browser.submit(browser.form("/login"), {"login": world.email("alice")})
    assert "password" in fields(browser)


@spec("RFC 9700", "2.1")
def test_an_e_mail_alone_counts_as_no_attempt(world, visitor):  # noqa: F811
    with override_settings(ACCOUNT_RATE_LIMITS={"login": "1/m/ip"}):
        for _ in range(3):
            assert visitor.http.post(visitor.path, {"login": world.email("alice")}).status_code == 200
        assert visitor.sign_in(world.email("alice"), "wrong").status_code == 200
        assert visitor.sign_in(world.email("alice"), PASSWORD).status_code == 429


@spec("RFC 9700", "2.1")
def test_an_e_mail_without_our_token_is_refused_as_every_form_is(world):
    answer = world.browser().http.post(world.url("/login"), data={"login": world.email("alice")})
    assert answer.status_code == 403


@spec("RFC 9700", "2.1")
def test_whoever_is_signed_in_is_asked_nothing(world):
    browser = world.browser()
    browser.go(world.url("/login"))
    form = browser.form("/login")
    browser.sign_in(world.email("alice"), PASSWORD)
    browser.go(world.url("/logout"))
    token = dict(browser.form("/logout").fields)["csrfmiddlewaretoken"]
    browser.submit(form, {"login": world.email("bob"), "csrfmiddlewaretoken": token})
    assert str(browser.page.url) == world.url("/me/agents")


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize("typed", ["peter@initech.example", " Peter@INITECH.example "])
def test_an_e_mail_of_a_companys_domain_is_shown_its_button(world, initech, typed):
    browser = say_who(world, typed, "/me/security")
    assert f"Sign in with {company.NAME}" in browser.words()
    (link,) = [part.split('"')[0] for part in browser.page.text.split('href="') if "/login/company?" in part]
    assert f"at={initech.pk}" in link
    assert "next=%2Ft%2F" in link
    assert "email=" in link


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize("typed", ["peter@elsewhere.example", "peter@sub.initech.example", "peter@xinitech.example"])
def test_an_e_mail_of_another_domain_is_shown_the_password_alone(world, initech, typed):
    browser = say_who(world, typed)
    domain = typed.partition("@")[2]
    assert company.NAME not in browser.words()
    assert f"No company sign-in is set up here for {domain}." in browser.words()
    (mail,) = re.findall(r'href="(mailto:[^"]+)"', browser.page.text)
    said = parse_qs(urlsplit(unescape(mail)).query)
    assert (domain in said["subject"][0], domain in said["body"][0]) == (True, True)
    assert world.tenant.issuer in said["body"][0]
    assert "peter" not in unquote(mail)
    known, unknown = (say_who(world, f"{name}@{world.tenant.slug}.example").words() for name in ("alice", "nobody"))
    assert known.replace("alice@", "nobody@") == unknown


@spec("RFC 9700", "2.3")
def test_a_company_of_another_tenant_has_no_button_here(world, elsewhere, initech):
    assert company.NAME in say_who(world, "peter@initech.example").words()
    assert company.NAME not in say_who(elsewhere, "peter@initech.example").words()


@spec("RFC 9700", "2.3")
def test_whoever_has_a_password_at_a_companys_domain_still_comes_in_with_it(world, initech):
    User.objects.filter(pk=world.people["ada"].user_id).update(email="ada@initech.example")
    browser = say_who(world, "ada@initech.example")
    browser.submit(browser.form("/login"), {"password": PASSWORD})
    assert signed_in(world, browser)


@spec("RFC 9700", "4.7")
def test_a_browser_keeps_the_way_used_last_and_nothing_of_who_used_it(world, elsewhere):
    browser = say_who(world, world.email("alice"))
    assert way(world) not in browser.http.cookies
    assert USED_LAST not in browser.words()
    answer = browser.http.post(
        world.url("/login"),
        data={**fields(browser), "password": PASSWORD},
        headers={"Origin": world.origin},
    )
    (line,) = [each for each in answer.headers.get_list("set-cookie") if each.startswith(f"{way(world)}=")]
    assert line.startswith(f"{way(world)}=password;")
    assert all(flag in line for flag in ("HttpOnly", "SameSite=Lax", "Path=/"))
    assert "Domain" not in line
    prefixes = {settings.LAST_WAY_COOKIE_NAME.removesuffix("way"), settings.SESSION_COOKIE_NAME.removesuffix("remit")}
    assert len(prefixes) == 1
    sign_out(world, browser)
    assert USED_LAST not in browser.words()
    browser.submit(browser.form("/login"), {"login": world.email("bob")})
    assert USED_LAST in browser.words()
    browser.go(elsewhere.url("/login"))
    browser.submit(browser.form("/login"), {"login": elsewhere.email("bob")})
    assert USED_LAST not in browser.words()


@spec("RFC 9700", "4.7")
def test_over_https_the_way_is_kept_as_its_siblings_are(world, monkeypatch):
    monkeypatch.setenv("REMIT_PUBLIC_ORIGIN", "https://id.example.com")
    public = runpy.run_path(remit.settings.__file__)
    names = [name for name in public if "_COOKIE_" in name or name in {"IS_HTTPS", "PUBLIC_ORIGIN", "ALLOWED_HOSTS"}]
    cache.clear()
    with override_settings(**{name: public[name] for name in names}):
        browser = InProcess(SERVER_NAME="id.example.com")
        said = {"login": world.email("alice"), "password": PASSWORD}
        kept = browser.post(f"/t/{world.tenant.slug}/login", said, secure=True).cookies
    siblings = {f"__Host-{name}-{world.tenant.slug}" for name in ("remit", "way", "mark")} | {"__Host-csrf"}
    assert {name for name in kept if kept[name].value} == siblings
    for each in siblings:
        assert (kept[each]["secure"], kept[each]["httponly"], kept[each]["path"]) == (True, True, "/"), each
        assert (kept[each]["samesite"], kept[each]["domain"]) == ("Lax", ""), each


@spec("RFC 9700", "4.7")
def test_a_refused_sign_in_is_no_way_that_was_used(world):
    browser = say_who(world, world.email("alice"))
    browser.submit(browser.form("/login"), {"password": "wrong"})
    assert way(world) not in browser.http.cookies


@spec("RFC 9700", "4.7")
@pytest.mark.parametrize("said", ["", "passkeys", "<b>", "x" * 3000])
def test_a_word_that_we_did_not_keep_marks_nothing(world, said):
    browser = world.browser()
    browser.http.headers["Cookie"] = f"{way(world)}={said}"
    assert (browser.go(world.url("/login")).status_code, USED_LAST in browser.words()) == (200, False)


@spec("RFC 9700", "4.7")
def test_the_company_used_last_is_marked_among_all(world, elsewhere, initech):
    client_id, secret = company.register_at_sister(world, elsewhere)
    sister = company.let_sign_in_at(world, elsewhere.tenant.issuer, client_id, secret, name="Sister")
    browser = world.browser()
    browser.go(world.url(f"/login/company?at={sister.pk}"))
    browser.sign_in(elsewhere.email("alice"), PASSWORD)
    browser.decide(duration="hour")
    assert signed_in(world, browser)
    assert browser.http.cookies[way(world)] == sister.pk
    sign_out(world, browser)
    before, after = browser.words().split(USED_LAST)
    assert before.rstrip().endswith("Sign in with Sister")
    assert USED_LAST not in after
