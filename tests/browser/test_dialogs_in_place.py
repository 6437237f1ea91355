"""Dialogs: the keyboard goes in, stays in, and comes back to the button that opened them."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("a person at a browser")]
FOCUSED = "document.activeElement"


def opened(stage, page: Page) -> None:
    page.goto(stage.lived_in.url(f"/console/resources/{stage.lived_in.notes.pk}"))
    page.get_by_role("button", name="Retire").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Retire Notes?")).to_be_visible()


def test_the_focus_goes_into_a_dialog_stays_there_and_comes_back_when_it_is_closed(stage):
    page = stage.window("ada")
    opened(stage, page)
    assert page.evaluate(f"{FOCUSED}.name") == "reason"
    seen = set()
    for _ in range(8):
        page.keyboard.press("Tab")
        # Between the last and the first the browser's own bar has its turn: of the page nothing has.
        assert page.evaluate(f"{FOCUSED} === document.body || {FOCUSED}.closest('dialog') !== null")
        seen.add(page.evaluate(f"{FOCUSED}.textContent.trim()"))
    assert {"Leave it as it is", "Retire Notes"} <= seen
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Retire")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Leave it as it is").click()
    expect(page.get_by_role("button", name="Retire")).to_be_focused()


def test_a_browser_that_knows_no_commands_of_buttons_opens_and_closes_it_by_our_own_lines(stage):
    page = stage.window("ada")
    page.add_init_script("delete HTMLButtonElement.prototype.commandForElement")
    # The browser's own way is taken from it: what a button commands is nobody's element.
    page.add_init_script("addEventListener('command', event => event.preventDefault(), true)")
    opened(stage, page)
    page.get_by_role("button", name="Leave it as it is").click()
    expect(page.get_by_role("button", name="Retire")).to_be_focused()
