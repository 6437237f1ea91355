"""Every page, in both themes and on a desk and in a hand: accessible, quiet, light, and no wider than the screen."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.pages import SIGHTS
from tests.browser.watching import watch

pytestmark = pytest.mark.browser
LOOKS = [("light", 1280), ("dark", 1280), ("dark", 390), ("light", 390)]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("sight", SIGHTS, ids=lambda sight: sight.name)
def test_a_page_is_accessible_quiet_light_and_fits(stage, sight):
    window = stage.window(sight.person, sight.world(stage))
    seen = watch(window)
    sight.arrive(stage, window)
    window.evaluate("document.fonts.ready.then(() => true)")
    assert seen.status() == sight.status
    assert 0 < seen.weight() < 150_000
    assert not [finding for scheme, width in LOOKS for finding in _findings(window, scheme, width)]
    assert not seen.complaints
    window.context.close()


def test_the_gate_sees_what_is_wrong(stage):
    window = stage.window()
    seen = watch(window)
    window.goto(stage.lived_in.url("/login"))
    window.evaluate("document.querySelector('main').innerHTML += '<img src=/gone.png width=2000 style=color:red>'")
    window.wait_for_load_state("networkidle")
    assert {"image-alt", "sideways"} <= {finding[0] for finding in _findings(window, "light", 390)}
    assert any("Content Security Policy" in complaint for complaint in seen.complaints)
    assert any("404" in complaint for complaint in seen.complaints)
    window.context.close()


def _findings(window: Page, scheme: str, width: int) -> Iterator[tuple[str, str, int, list[str]]]:
    """Look at the page that is open, in one theme and at one width."""
    window.emulate_media(color_scheme=scheme)
    window.set_viewport_size({"width": width, "height": 900})
    if (excess := window.evaluate(SIDEWAYS)) > 0:
        yield "sideways", scheme, width, [f"{excess} px"]
    options = {"resultTypes": ["violations"], "runOnly": TAGS}
    for violation in Axe().run(window, options=options).response["violations"]:
        yield violation["id"], scheme, width, [node["html"][:200] for node in violation["nodes"]]
