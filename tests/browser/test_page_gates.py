"""Every page, in both themes and on a desk and in a hand: accessible, quiet, light, and no wider than the screen.

The last also where it is written from the right, and in a language of long words.
"""

import pytest

from tests.browser.sights import SIGHTS
from tests.browser.watching import HEAVIEST, LOOKS, SIDEWAYS, findings, sideways_from_the_right, watch

pytestmark = pytest.mark.browser
IS_SHELL_ENOUGH = True
# Pages whose way there reads no words: the way to others goes by what is written on them.
IN_GERMAN = ("sign-in", "consent-two-places", "my-agents", "console-approvals", "console-delegations")
_PLACES = """() => {
  const box = name => document.querySelector(name).getBoundingClientRect();
  const header = getComputedStyle(document.querySelector('.console > header'));
  const cells = [...document.querySelectorAll('.table tbody tr:first-child > *')];
  return {
    nav: box('#sections').left, main: box('main').left,
    lines: [header.borderLeftWidth, header.borderRightWidth],
    cells: cells.map(each => each.getBoundingClientRect().right),
  };
}"""
_SQUEEZED = """() => [...document.querySelectorAll('main :is(button, .button, .badge, label, h1, h2, tbody th, dt)')]
  .filter(each => !each.closest('.visually-hidden') && each.clientWidth && each.scrollWidth > each.clientWidth + 1)
  .map(each => `${each.localName}.${each.className}: ${each.textContent.trim().slice(0, 60)}`)"""


@pytest.mark.parametrize("sight", SIGHTS, ids=lambda sight: sight.name)
def test_a_page_is_accessible_quiet_light_and_fits(stage, sight):
    window = stage.window(sight.person, sight.world(stage))
    seen = watch(window)
    sight.arrive(stage, window)
    window.evaluate("document.fonts.ready.then(() => true)")
    assert seen.status() == sight.status
    assert 0 < seen.weight() < HEAVIEST
    assert not [finding for scheme, width in LOOKS for finding in findings(window, scheme, width)]
    assert not sideways_from_the_right(window)
    assert not seen.complaints
    window.context.close()


def test_the_gate_sees_what_is_wrong(stage):
    window = stage.window()
    seen = watch(window)
    window.goto(stage.lived_in.url("/login"))
    window.evaluate("document.querySelector('main').innerHTML += '<img src=/gone.png width=2000 style=color:red>'")
    window.wait_for_load_state("networkidle")
    assert {"image-alt", "sideways"} <= {finding[0] for finding in findings(window, "light", 390)}
    window.evaluate("document.querySelector('main h1').style.color = '#333'")
    assert "color-contrast" in {finding[0] for finding in findings(window, "dark", 1280)}
    assert any("Content Security Policy" in complaint for complaint in seen.complaints)
    assert any("404" in complaint for complaint in seen.complaints)
    window.context.close()


def test_a_page_that_is_asked_for_in_arabic_is_laid_out_from_the_right(stage):
    window = stage.window("ada", locale="ar")
    window.set_viewport_size({"width": 1280, "height": 900})
    window.goto(stage.lived_in.url("/console/agents"))
    assert window.evaluate("[document.documentElement.lang, document.documentElement.dir]") == ["ar", "rtl"]
    places = window.evaluate(_PLACES)
    assert places["nav"] > places["main"], "the navigation is on the right"
    assert places["lines"] == ["1px", "0px"], "its line is between it and the page"
    assert places["cells"] == sorted(places["cells"], reverse=True), "the first column is on the right"
    assert window.evaluate(SIDEWAYS) <= 0
    window.set_viewport_size({"width": 390, "height": 900})
    menu, brand = (window.locator(name).first.bounding_box() for name in (".menu", ".brand"))
    assert menu["x"] > brand["x"], "the menu opens where a line begins"
    window.context.close()


@pytest.mark.parametrize("sight", [each for each in SIGHTS if each.name in IN_GERMAN], ids=lambda sight: sight.name)
def test_long_words_fit_in_a_hand(stage, sight):
    window = stage.window(sight.person, sight.world(stage), locale="de-DE")
    window.set_viewport_size({"width": 390, "height": 900})
    sight.arrive(stage, window)
    assert window.evaluate("document.documentElement.lang") == "de"
    assert window.evaluate(SIDEWAYS) <= 0
    assert window.evaluate(_SQUEEZED) == []
    window.context.close()
