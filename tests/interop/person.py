"""A person in real Chromium, as the agent's `browser`: signs in, ticks, chooses how long, allows."""

from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from mcp.shared.auth import AuthorizationCodeResult
from playwright.async_api import Browser, BrowserContext, Page

from tests.harness.world import PASSWORD, World


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
    profiles: dict[str, BrowserContext] = field(default_factory=dict)

    async def decide(self, name: str, url: str) -> AuthorizationCodeResult:
        """Play the agent's `browser`."""
        self.asked.append((name, url))
        if name in self.absent:
            raise NobodyAnswers(name)
        page = await self._page(name)
        await page.goto(url)
        await self._sign_in(page, name)
        for box in await page.locator("input[name=scope]:enabled").all():
            await box.check()
        chosen = page.locator(f"input[name=duration][value={self.duration.get(name, 'week')}]")
        await chosen.check(force=True)
        await page.get_by_role("button", name="Allow until").click()
        await page.wait_for_url("http://127.0.0.1:*/callback*")
        answer = {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}
        await page.close()
        return AuthorizationCodeResult(code=answer["code"], state=answer["state"], iss=answer["iss"])

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

    async def _page(self, name: str) -> Page:
        if name not in self.profiles:
            self.profiles[name] = await self.chromium.new_context()
        return await self.profiles[name].new_page()

    async def _sign_in(self, page: Page, name: str) -> None:
        if "/login" not in page.url:
            return
        await page.get_by_label("E-mail").fill(self.world.email(name))
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in", exact=True).click()
