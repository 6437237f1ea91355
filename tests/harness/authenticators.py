"""A real browser with an authenticator of its own in it, and what a good page shows in it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from tests.harness import chromium

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def running() -> Iterator[Browser]:
    """Run Chromium until the block ends."""
    # Playwright keeps an event loop in this thread, and Django refuses its database beside one.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium.options())
        try:
            yield browser
        finally:
            browser.close()
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@dataclass
class Authenticator:
    """The authenticator of a browser; `id` is as Chromium wraps it."""

    session: CDPSession
    id: dict[str, str]

    def does_not_know_its_person(self) -> None:
        """Let every finger be the wrong one from now on."""
        self.session.send("WebAuthn.setUserVerified", {**self.id, "isUserVerified": False})


@dataclass
class Tab:
    """A page that remembers what went to the console."""

    page: Page
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def has_authenticator(self) -> "Authenticator":
        """Give the browser a platform authenticator whose person always agrees."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": True, "automaticPresenceSimulation": True,
        }  # fmt: skip
        return Authenticator(session, session.send("WebAuthn.addVirtualAuthenticator", {"options": options}))

    def press(self, name: str) -> None:
        """Press a button and wait for the page that follows."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).click()

    def faults(self) -> list[str]:
        """Return what is wrong with the page that is open: accessibility, width, messages."""
        found = Axe().run(self.page, options={"runOnly": {"type": "tag", "values": _RULES}})
        wrong = [f"axe {each['id']}: {each['nodes'][0]['html'][:160]}" for each in found.response["violations"]]
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return [*wrong, *([f"{wide} px too wide"] if wide else []), *self.said]
