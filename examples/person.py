"""A person at a browser with scripts off: signs in, decides on the consent page, presses buttons, reads pages."""

from collections.abc import Mapping
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
from mcp.shared.auth import AuthorizationCodeResult

from examples.forms import Form, forms, report, words


class Person:
    """One person in one browser, with their own cookies.

    `read` is what the last consent page said to them, `told` what the last page reported of what they had done.
    """

    def __init__(self, issuer: str, email: str, password: str) -> None:
        self._issuer = issuer
        self._email = email
        self._password = password
        self._http = httpx2.AsyncClient(headers={"Accept": "text/html"}, timeout=20)
        self._page: httpx2.Response
        self.read = ""
        self.told = ""

    async def decide(self, url: str) -> AuthorizationCodeResult:
        """Open an agent's request, sign in where asked, allow all of it; return what goes back to the agent."""
        await self._go(url)
        self.read = words(self._page.text)
        form = self._form("/authorize")
        await self._press(form, {"decision": "allow", "scope": form.boxes.get("scope", [])})
        answer = parse_qs(urlsplit(self._page.headers.get("location", "")).query)
        if "code" not in answer:
            raise PermissionError(answer.get("error", [f"the page answered {self._page.status_code}"])[0])
        return AuthorizationCodeResult(code=answer["code"][0], state=answer["state"][0], iss=answer["iss"][0])

    async def end(self, delegation_id: str) -> bool:
        """Press "End access" on one's own page; say whether the access is gone from it."""
        return await self.press("/me/agents", f"/{delegation_id}/end")

    async def press(self, path: str, action_part: str) -> bool:
        """Press a button of a page; say whether the button is gone after."""
        await self._go(f"{self._issuer}{path}")
        await self._press(self._form(action_part), {})
        self.told = report(self._page.text)
        return self._page.status_code == 200 and not self._forms(action_part)

    async def reads(self, path: str) -> str:
        """Return what a page says."""
        await self._go(f"{self._issuer}{path}")
        return words(self._page.text)

    async def can_end(self, *delegation_ids: str) -> bool:
        """Say whether one's own page has a button for each of these."""
        await self._go(f"{self._issuer}/me/agents")
        return all(self._forms(f"/{delegation_id}/end") for delegation_id in delegation_ids)

    async def reads_of(self, path: str, delegation_id: str) -> str:
        """Return what a page says of one access, or "" where it does not list it."""
        await self._go(f"{self._issuer}{path}")
        listed = self._page.text.split('<li class="delegation"')[1:]
        return next((words(f"<li{each}") for each in listed if f"{delegation_id}-sentence" in each), "")

    async def close(self) -> None:
        await self._http.aclose()

    async def _go(self, url: str) -> None:
        await self._open(await self._http.get(url))
        if self._page.url.path.endswith("/login"):
            await self._press(self._form("/login"), {"login": self._email, "password": self._password})

    def _forms(self, action_part: str) -> list[Form]:
        return [form for form in forms(self._page.text) if action_part in form.action]

    def _form(self, action_part: str) -> Form:
        found = self._forms(action_part)
        if not found:
            raise LookupError(f"{self._page.url} ({self._page.status_code}) has no form for {action_part}")
        return found[0]

    async def _press(self, form: Form, chosen: Mapping[str, str | list[str]]) -> None:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": _origin(self._issuer)}
        target = urljoin(str(self._page.url), form.action)
        await self._open(await self._http.post(target, content=form.filled(chosen), headers=headers))

    async def _open(self, response: httpx2.Response) -> None:
        """Follow redirects as long as they stay with the issuer: the last one belongs to the agent."""
        while response.is_redirect:
            location = urljoin(str(response.url), response.headers["location"])
            if _origin(location) != _origin(self._issuer):
                break
            response = await self._http.get(location)
        self._page = response


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
