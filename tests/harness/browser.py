"""A person at a browser with scripts off: follows redirects, keeps cookies, reads forms, presses buttons."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

FRAME = "/look"
"""Where the one form leads that stands around every page."""
TRUST = ssl.create_default_context()
"""One for all browsers of a process: reading the computer's authorities takes longer than most pages."""


@dataclass
class Form:
    action: str = ""
    method: str = "get"
    fields: list[tuple[str, str]] = field(default_factory=list)
    ticks: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.chosen = ""
        self.takes_many = False
        self.written = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(values.get("action", ""), values.get("method", "get").lower()))
        if not self.forms or "disabled" in values:
            return
        form = self.forms[-1]
        name, value = values.get("name", ""), values.get("value", "on" if values.get("type") == "checkbox" else "")
        if tag == "input" and name:
            if values.get("type") in {"checkbox", "radio"}:
                form.ticks.setdefault(name, []).append(value)
                if "checked" not in values:
                    return
            form.fields.append((name, value))
        elif tag == "button" and name:
            form.buttons.append((name, value))
        elif tag == "select":
            self.chosen, self.takes_many = name, "multiple" in values
        elif tag == "option" and self.chosen:
            self._choose(form, value, is_selected="selected" in values)
        elif tag == "textarea":
            self.written = name
            form.fields.append((name, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self.chosen = ""
        elif tag == "textarea":
            self.written = ""

    def handle_data(self, data: str) -> None:
        if self.written and self.forms:
            fields = self.forms[-1].fields
            fields[-1] = (self.written, fields[-1][1] + data)

    def _choose(self, form: Form, value: str, *, is_selected: bool) -> None:
        """Take the first option of a list, or the one that is marked; of one that takes many, those that are."""
        if self.takes_many:
            form.fields += [(self.chosen, value)] if is_selected else []
            return
        is_first = not form.fields or form.fields[-1][0] != self.chosen
        if is_first:
            form.fields.append((self.chosen, value))
        elif is_selected:
            form.fields[-1] = (self.chosen, value)


class Browser:
    """One browser profile. Redirects are followed as long as they stay on our origin."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.http = httpx.Client(base_url=origin, headers={"Accept": "text/html"}, timeout=20, verify=TRUST)
        self.page: httpx.Response | None = None

    def go(self, url: str) -> httpx.Response:
        return self._follow(self.http.get(url))

    def submit(
        self, form: Form, fill: Mapping[str, str | list[str]] | None = None, files: Mapping[str, bytes] | None = None
    ) -> httpx.Response:
        """Send a form with some fields filled in, and files; a list replaces every value of its name."""
        assert self.page is not None
        sent = [(name, value) for name, value in form.fields if name not in (fill or {})]
        for name, value in (fill or {}).items():
            sent += [(name, each) for each in (value if isinstance(value, list) else [value])]
        target = urljoin(str(self.page.url), form.action or str(self.page.url))
        headers = {"Origin": self.origin, "Referer": str(self.page.url)}
        if files:
            return self._follow(self.http.post(target, data=dict(sent), files=files, headers=headers))
        body = httpx.QueryParams(sent)
        content_type = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._follow(self.http.post(target, content=str(body), headers={**headers, **content_type}))

    def forms(self) -> list[Form]:
        """Return the forms of the page that is open, without the one that stands around every page."""
        return [form for form in self._all_forms() if not form.action.endswith(FRAME)]

    def words(self) -> str:
        """Return what the open page says, without its markup."""
        assert self.page is not None
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.page.text)).split())

    def form(self, action_part: str) -> Form:
        """Return the form of the page whose action contains a text."""
        forms = self._all_forms() if action_part == FRAME else self.forms()
        found = [form for form in forms if action_part in form.action]
        assert found, f"no form for {action_part!r} on {self.page.url}: {self.page.text[:2000]}"
        return found[0]

    def sign_in(self, email: str, password: str) -> httpx.Response:
        """Fill in the sign-in page that is open, both steps in one."""
        form = next(form for form in self.forms() if {"login", "password"} & {name for name, _ in form.fields})
        return self.submit(form, {"login": email, "password": password})

    def decide(self, decision: str = "allow", **fill: str | list[str]) -> httpx.Response:
        """Press a button of the consent page that is open; `scope` and `duration` change what is ticked."""
        return self.submit(self.form("/authorize"), {"decision": decision, **fill})

    def _all_forms(self) -> list[Form]:
        assert self.page is not None
        reader = _Reader()
        reader.feed(self.page.text)
        return reader.forms

    def _follow(self, response: httpx.Response) -> httpx.Response:
        for _ in range(10):
            location = response.headers.get("location", "")
            if response.status_code not in {301, 302, 303} or not self._is_ours(response, location):
                break
            response = self.http.get(urljoin(str(response.url), location))
        self.page = response
        return response

    def _is_ours(self, response: httpx.Response, location: str) -> bool:
        target = urlsplit(urljoin(str(response.url), location))
        return f"{target.scheme}://{target.netloc}" == self.origin


def answer(response: httpx.Response) -> dict[str, str]:
    """Return the parameters with which a response goes back to the client."""
    assert response.status_code == 303, f"{response.status_code}: {response.text[:1500]}"
    query = urlsplit(response.headers["location"]).query
    return {name: values[0] for name, values in parse_qs(query).items()}
