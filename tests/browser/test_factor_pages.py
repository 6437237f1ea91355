"""Every page about factors, in both themes and widths: nothing on the console, nothing for axe, nothing sideways."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness import authenticator_app as app
from tests.harness import authenticators
from tests.harness.authenticators import Tab
from tests.harness.world import PASSWORD, World

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("REMIT_TEST_PICTURES", "")
LOOKS = [(theme, width) for theme in ("light", "dark") for width in (1280, 390)]


def prove_password(tab: Tab) -> None:
    tab.page.get_by_label("Password").fill(PASSWORD)
    tab.press("Sign in")


def sign_in(world: World, tab: Tab) -> None:
    tab.page.goto(world.url("/login"))
    tab.page.get_by_label("E-mail").fill(world.email("alice"))
    prove_password(tab)


def add_factors(world: World, tab: Tab, look: Callable[[str], None]) -> None:
    """Go through the pages of a person without factors, and leave them with both."""

    def at(path: str, name: str) -> None:
        tab.page.goto(world.url(path))
        look(name)

    at("/login", "login")
    sign_in(world, tab)
    at("/me/security", "security-empty")
    at("/me/security/app/add", "again-password")
    tab.page.get_by_label("Password").fill("wrong")
    tab.press("Sign in")
    look("again-password-wrong")
    prove_password(tab)
    look("app-add")
    tab.page.get_by_label("Code").fill("123")
    tab.press("Add the app")
    look("app-add-wrong")
    secret = tab.page.locator("code").inner_text().replace(" ", "")
    tab.page.get_by_label("Code").fill(app.code(secret))
    tab.press("Add the app")
    look("recovery-codes")
    at("/me/security/recovery-codes/replace", "recovery-codes-replace")
    at("/me/security/passkeys/add", "passkey-add")
    tab.page.get_by_label("Name").fill("Laptop in the office, with the long name that people like")
    tab.press("Add the passkey")
    look("security-full")


def use_factors(world: World, tab: Tab, look: Callable[[str], None]) -> None:
    """Go through the pages of a person with both."""
    tab.page.goto(world.url("/me/security/app/remove"))
    look("app-remove")
    tab.page.goto(world.url("/me/security"))
    tab.page.get_by_role("link", name="Remove Laptop").click()
    look("passkey-remove")
    tab.page.goto(world.url("/login/again?next=/"))
    look("again-passkey")
    tab.page.get_by_role("link", name="Use a code instead").click()
    look("again-code")
    tab.page.goto(world.url("/logout"))
    tab.press("Sign out")
    sign_in(world, tab)
    look("second-factor")
    tab.page.get_by_label("Code of your authenticator app").fill("123")
    tab.press("Sign in")
    look("second-factor-wrong")


@pytest.fixture(scope="module")
def chrome():
    with authenticators.running() as browser:
        yield browser


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_the_pages_about_factors_are_clean(world, chrome, theme, width):
    context = chrome.new_context(color_scheme=theme, viewport={"width": width, "height": 860})
    tab = Tab(context.new_page())
    tab.has_authenticator()
    faults: dict[str, list[str]] = {}

    def look(name: str) -> None:
        if PICTURES:
            tab.page.screenshot(path=Path(PICTURES) / f"{name}-{theme}-{width}.png", full_page=True)
        if found := tab.faults():
            faults[name] = found
        tab.said.clear()

    add_factors(world, tab, look)
    use_factors(world, tab, look)
    context.close()

    assert faults == {}


def test_a_browser_without_scripts_says_so_in_words(world, chrome):
    context = chrome.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(world.url("/login"))

    # Texts in <noscript> are no texts to Playwright's finder by text.
    assert page.locator("noscript p").is_visible()
    assert not page.get_by_role("button", name="Sign in with a passkey").is_visible()
    context.close()
