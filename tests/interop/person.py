"""A person in real Chromium, as the agent's `browser`: signs in, ticks, chooses how long, allows."""

from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from anyio.from_thread import BlockingPortal
from mcp.shared.auth import AuthorizationCodeResult
from playwright.async_api import Browser, BrowserContext, Page

from tests.harness.world import PASSWORD, World, claims

BACK = "http://127.0.0.1:"
"""Where agents wait on this computer; the pages of Remit are at `localhost`."""


class NobodyAnswers(Exception):
    """The agent asked a person who is not there."""


@dataclass
class People:
    """The people of one tenant, each with a browser profile of their own; absent ones answer nothing."""

    world: World
    chromium: Browser
    duration: dict[str, str] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)
    decided: list[str] = field(default_factory=list)
    profiles: dict[str, BrowserContext] = field(default_factory=dict)

    async def decide(self, name: str, url: str) -> AuthorizationCodeResult:
        """Play the agent's `browser`."""
        back = await self.allow(name, url)
        answer = {key: values[0] for key, values in parse_qs(urlsplit(back).query).items()}
        return AuthorizationCodeResult(code=answer["code"], state=answer["state"], iss=answer["iss"])

    async def allow(self, name: str, url: str) -> str:
        """Return the address at which the browser stands when a request is allowed, by the person now or before."""
        self.asked.append((name, url))
        if name in self.absent:
            raise NobodyAnswers(name)
        page = await self._page(name)
        await page.goto(url)
        await self._sign_in(page, name)
        if not page.url.startswith(BACK):
            await self._tick(page, name)
        await page.wait_for_url(f"{BACK}*/callback*")
        back = page.url
        await page.close()
        return back

    async def end_access(self, name: str, delegation_id: str) -> None:
        """Press "End access" on one's own page."""
        page = await self._page(name)
        await page.goto(self.world.url("/me/agents"))
        await self._sign_in(page, name)
        await page.locator(f"form[action$='/{delegation_id}/end'] button").click()
        await page.get_by_role("status").wait_for()
        await page.close()

    async def close(self) -> None:
        for profile in self.profiles.values():
            await profile.close()

    async def _tick(self, page: Page, name: str) -> None:
        self.decided.append(name)
        for box in await page.locator("input[name=scope]:enabled").all():
            await box.check()
        chosen = page.locator(f"input[name=duration][value={self.duration.get(name, 'week')}]")
        await chosen.check(force=True)
        await page.get_by_role("button", name="Allow until").click()

    async def _page(self, name: str) -> Page:
        if name not in self.profiles:
            self.profiles[name] = await self.chromium.new_context()
        return await self.profiles[name].new_page()

    async def _sign_in(self, page: Page, name: str) -> None:
        if "/login" not in page.url:
            return
        await page.get_by_label("E-mail").fill(self.world.email(name))
        await page.get_by_role("button", name="Go on", exact=True).click()
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in", exact=True).click()


class Person:
    """One of them, in plain calls: for clients that are told where the person came back."""

    def __init__(self, name: str, people: People, portal: BlockingPortal) -> None:
        self._name = name
        self._people = people
        self._portal = portal

    @property
    def decisions(self) -> int:
        """How many consent pages the person has seen."""
        return self._people.decided.count(self._name)

    def allows(self, url: str) -> str:
        return self._portal.call(self._people.allow, self._name, url)

    def ends(self, access_token: str) -> None:
        """End the access that a token stands on."""
        self._portal.call(self._people.end_access, self._name, claims(access_token)["delegation_id"])


def comes_back(world: World, url: str, decision: str = "allow") -> str:
    """Return where alice, in a browser with scripts off, is sent after she decided over a request."""
    browser = world.browser("alice")
    browser.go(url)
    return browser.decide(decision, duration="week").headers["location"]
