"""What a browser complains about while a page is looked at, and what is wrong with the page that it shows."""

import functools
import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page, Request

from tests.harness.server import ROOT

LOOKS = [("light", 1280), ("dark", 1280), ("dark", 390), ("light", 390)]
HEAVIEST = 115_000
"""Bytes of a page with all that it loads, as served in earnest: style and scripts are compressed, pages are not."""
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""What the dark theme can break: it changes colours and nothing else."""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

_RUN = """options => axe.run(options).then(found => found.violations.map(
  violation => [violation.id, violation.nodes.map(node => node.html.slice(0, 200))]
))"""

Finding = tuple[str, str, int, list[str]]


@dataclass
class Watch:
    """Everything a window loaded and said since it was opened."""

    complaints: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    page: Request | None = None

    def status(self) -> int:
        """Return the status of the page that is open."""
        response = self.page.response() if self.page else None
        return response.status if response else 0

    def weight(self) -> int:
        """Return the bytes of all bodies that the page that is open took."""
        return sum(_weight(request) for request in self.requests)


def _weight(request: Request) -> int:
    """Return the bytes of a body; the suite's own server compresses no file, as the one that was deployed does."""
    path = urlsplit(request.url).path
    if path.startswith("/static/") and path.endswith((".css", ".js", ".svg")):
        return len(gzip.compress((ROOT / path.lstrip("/")).read_bytes()))
    return int(request.sizes()["responseBodySize"])


def watch(page: Page) -> Watch:
    """Listen to a window from now on."""
    seen = Watch()

    def on_console(message: ConsoleMessage) -> None:
        # A page that says 404 to a person is no fault of the page.
        is_the_page = message.location["url"].partition("#")[0] == page.url.partition("#")[0]
        if message.type in {"error", "warning"} and not (is_the_page and "Failed to load resource" in message.text):
            seen.complaints.append(f"{message.type}: {message.text}")

    def on_request(request: Request) -> None:
        if request.is_navigation_request() and request.url.startswith("http"):
            seen.requests.clear()
            # Kept when it is asked for: that it finished may be told after the page is there.
            seen.page = request

    page.on("console", on_console)
    page.on("pageerror", lambda error: seen.complaints.append(f"exception: {error}"))
    page.on("request", on_request)
    page.on("requestfinished", lambda request: seen.requests.append(request))
    return seen


def findings(window: Page, scheme: str, width: int) -> Iterator[Finding]:
    """Look at the page that is open, in one theme and at one width."""
    window.emulate_media(color_scheme=scheme)
    window.set_viewport_size({"width": width, "height": 900})
    if (excess := window.evaluate(SIDEWAYS)) > 0:
        yield "sideways", scheme, width, [f"{excess} px"]
    options = {"resultTypes": ["violations"], "runOnly": TAGS if scheme == "light" else COLOURS}
    for rule, nodes in _axe(window, options):
        yield rule, scheme, width, nodes


def sideways_from_the_right(window: Page) -> list[Finding]:
    """Look at the page that is open as if it were written from the right: it is no wider than the screen then, too."""
    window.evaluate("document.documentElement.dir = 'rtl'")
    found: list[Finding] = []
    for width in (390, 1280):
        window.set_viewport_size({"width": width, "height": 900})
        if (excess := window.evaluate(SIDEWAYS)) > 0:
            found.append(("sideways from the right", "light", width, [f"{excess} px"]))
    return found


@functools.cache
def _script() -> str:
    return str(Axe().axe_script)


def _axe(window: Page, options: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Return what axe-core has against the page that is open, which takes the library in once."""
    if not window.evaluate("'axe' in window"):
        window.evaluate(_script())
    found: list[tuple[str, list[str]]] = window.evaluate(_RUN, options)
    return found
