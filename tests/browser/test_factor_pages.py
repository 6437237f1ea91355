"""Every page about factors passes the gates of every other page."""

import pytest

from tests.browser import factors
from tests.browser.authenticators import Tab
from tests.browser.watching import HEAVIEST, LOOKS, findings

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("factors")]


def test_the_pages_about_factors_are_accessible_quiet_light_and_fit(world, chromium):
    tab = Tab(chromium.new_context().new_page())
    wrong, names = [], []

    def look(name: str) -> None:
        names.append(name)
        wrong.extend((name, finding) for scheme, width in LOOKS for finding in findings(tab.page, scheme, width))
        wrong.extend((name, complaint) for complaint in tab.seen.complaints)
        if not 0 < tab.seen.weight() < HEAVIEST:
            wrong.append((name, f"{tab.seen.weight()} bytes"))

    factors.walk(world, tab, look)
    tab.page.context.close()

    assert len(names) == len(set(names)) == 16
    assert not wrong


def test_a_browser_without_scripts_says_so_in_words(world, chromium):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(world.url("/login"))

    # Texts in <noscript> are no texts to Playwright's finder by text.
    assert page.locator("noscript p").is_visible()
    assert not page.get_by_role("button", name="Sign in with a passkey").is_visible()
    context.close()
