"""An authenticator in a real browser."""

from dataclasses import dataclass

from playwright.sync_api import CDPSession, Page

from tests.browser.watching import Watch, watch


@dataclass
class Authenticator:
    """The authenticator of a browser; `id` is as Chromium wraps it."""

    session: CDPSession
    id: dict[str, str]

    def does_not_know_its_person(self) -> None:
        """Let every finger be the wrong one from now on."""
        self.session.send("WebAuthn.setUserVerified", {**self.id, "isUserVerified": False})

    def hesitates(self) -> None:
        """Let its person touch nothing from now on."""
        self.session.send("WebAuthn.setAutomaticPresenceSimulation", {**self.id, "enabled": False})

    def agrees(self) -> None:
        """Let its person touch what asks from now on."""
        self.session.send("WebAuthn.setAutomaticPresenceSimulation", {**self.id, "enabled": True})


class Tab:
    """A page that is watched, whose browser may have an authenticator."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.seen: Watch = watch(page)

    def has_authenticator(self, *, lists_passkeys: bool = False) -> "Authenticator":
        """Give the browser a platform authenticator whose person always agrees; they take the first of a list at once,
        so that a browser lists none where a test does not say so.
        """
        if not lists_passkeys:
            self.page.add_init_script("delete window.PublicKeyCredential?.isConditionalMediationAvailable")
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
