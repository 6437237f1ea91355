"""The way through every page about passkeys, codes and recovery codes, as one person walks it."""

from collections.abc import Callable

from tests.browser.authenticators import Tab
from tests.harness import authenticator_app as app
from tests.harness.world import PASSWORD, World


def walk(world: World, tab: Tab, look: Callable[[str], None]) -> None:
    """Stand before each page once, and say its name."""
    tab.has_authenticator()
    _add_factors(world, tab, look)
    _use_factors(world, tab, look)


def _prove_password(tab: Tab) -> None:
    tab.page.get_by_label("Password").fill(PASSWORD)
    tab.press("Sign in")


def _sign_in(world: World, tab: Tab) -> None:
    tab.page.goto(world.url("/login"))
    tab.page.get_by_label("E-mail").fill(world.email("alice"))
    tab.press("Go on")
    _prove_password(tab)


def _add_factors(world: World, tab: Tab, look: Callable[[str], None]) -> None:
    """Go through the pages of a person without factors, and leave them with both."""

    def at(path: str, name: str) -> None:
        tab.page.goto(world.url(path))
        look(name)

    at("/login", "login")
    _sign_in(world, tab)
    at("/me/security", "security-empty")
    at("/me/security/app/add", "again-password")
    tab.page.get_by_label("Password").fill("wrong")
    tab.press("Sign in")
    look("again-password-wrong")
    _prove_password(tab)
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


def _use_factors(world: World, tab: Tab, look: Callable[[str], None]) -> None:
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
    _sign_in(world, tab)
    look("second-factor")
    tab.page.get_by_label("Code of your authenticator app").fill("123")
    tab.press("Sign in")
    look("second-factor-wrong")
