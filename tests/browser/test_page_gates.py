"""Every page, in both themes and on a desk and in a hand: accessible, quiet, light, and no wider than the screen."""

import pytest

from tests.browser.pages import SIGHTS
from tests.browser.watching import HEAVIEST, LOOKS, findings, watch

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("sight", SIGHTS, ids=lambda sight: sight.name)
def test_a_page_is_accessible_quiet_light_and_fits(stage, sight):
    window = stage.window(sight.person, sight.world(stage))
    seen = watch(window)
    sight.arrive(stage, window)
    window.evaluate("document.fonts.ready.then(() => true)")
    assert seen.status() == sight.status
    assert 0 < seen.weight() < HEAVIEST
    assert not [finding for scheme, width in LOOKS for finding in findings(window, scheme, width)]
    assert not seen.complaints
    window.context.close()


def test_the_gate_sees_what_is_wrong(stage):
    window = stage.window()
    seen = watch(window)
    window.goto(stage.lived_in.url("/login"))
    window.evaluate("document.querySelector('main').innerHTML += '<img src=/gone.png width=2000 style=color:red>'")
    window.wait_for_load_state("networkidle")
    assert {"image-alt", "sideways"} <= {finding[0] for finding in findings(window, "light", 390)}
    assert any("Content Security Policy" in complaint for complaint in seen.complaints)
    assert any("404" in complaint for complaint in seen.complaints)
    window.context.close()
