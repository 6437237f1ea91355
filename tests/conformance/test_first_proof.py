"""What is said of factors goes by what somebody begins a sign-in with: a password, their company's sign-in, neither."""

import re

import pytest

from kit import context
from tests.conformance.test_company_sign_in import arrives
from tests.harness import authenticator_app as app
from tests.harness import company
from tests.harness.world import PASSWORD
from trust.models import SubjectLink


@pytest.fixture
def begins(world):
    """Let alice begin her sign-ins so, and return a browser in which she is signed in."""

    def begins(first):
        world.browser("bob")  # The one sign-in that is played is not hers: she may have no password.
        user = world.people["alice"].user
        if first != "password":
            user.set_unusable_password()
            user.save()
        if first == "company":
            issuer = company.let_sign_in_at(world, "https://accounts.initech.example", "remit").issuer
            link = {"issuer": issuer, "subject": "alice-there", "how": "admin", "vouched_as": "admin"}
            with context.use(world.tenant):
                SubjectLink.objects.create(member=world.people["alice"], **link)
            world.rewrite(user, home=world.tenant)
        return world.browser("alice")

    return begins


SAID = {
    "password": ["After your password, sign-in asks for a code", "Whoever learns your password"],
    "company": ["After your company's sign-in, we ask for a code", "and without your company's sign-in"],
    "none": ["Where you prove again that it is you, the code of an app", "the PIN of your device."],
}


@pytest.mark.parametrize("first", SAID)
def test_the_page_of_factors_speaks_of_what_a_person_has(world, begins, first):
    browser = begins(first)
    browser.go(world.url("/me/security"))
    for said in SAID[first]:
        assert said in browser.words()
    for other in SAID.keys() - {first}:
        assert SAID[other][0] not in browser.words()
    assert ("password" in browser.words()) is (first == "password")


@pytest.mark.parametrize(
    ("first", "alone"), [("password", "your password alone"), ("company", "your company's sign-in alone")]
)
def test_what_adding_and_removing_a_factor_changes_is_said_of_what_a_person_has(world, begins, first, alone):
    browser = begins(first)
    browser.go(world.url("/me/security/passkeys/add"))
    if first == "password":
        browser.submit(browser.form("/login/again"), {"password": PASSWORD})
    assert "To tell it from others" in browser.words()
    assert f"From then on {alone} does not open your account." in browser.words()
    key = _add_app(world, browser)
    app.forget_steps(world, "alice")
    browser.go(world.url("/me/security/app/remove"))
    if "/login/again/code" in str(browser.page.url):
        app.prove(browser, app.code(key))
    assert f"Without a passkey, {alone} opens your account" in browser.words()


def _add_app(world, browser):
    """Add an app as somebody who proved just now who they are; return its key."""
    browser.go(world.url("/me/security/app/add"))
    key = re.search(r"<code>([A-Z2-7 ]+)</code>", browser.page.text)[1].replace(" ", "")
    browser.submit(browser.form("/app/add"), {"code": app.code(key)})
    return key


@pytest.mark.interop
def test_after_a_companys_sign_in_the_second_step_does_not_speak_of_a_password(world, initech):
    provider = company.let_sign_in_at(world, initech.url, "remit", "a-secret-there", email_domains=["initech.example"])
    browser = arrives(world, initech, provider)
    _add_app(world, browser)
    again = arrives(world, initech, provider)
    assert str(again.page.url).endswith("/login/second-factor")
    assert "Your company says that it is you." in again.words()
    assert "password" not in again.words()
