"""The consent page without a mouse, and as a screen reader says it."""

import pytest
from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("a person at a browser")]
FOCUSED = "document.activeElement.matches('button[name=decision][value=allow]')"


def tab_to_allow(page: Page) -> int:
    """Press Tab until the Allow button has the focus; return how often."""
    for presses in range(1, 40):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED):
            return presses
    raise AssertionError("Tab never reaches the Allow button")


def allow_name(page: Page) -> str:
    """Return the button's accessible name, as Chromium computes it."""
    return page.locator("button[value=allow]").aria_snapshot().removeprefix('- button "').rstrip('"')


def test_the_allow_button_is_reached_by_tab_and_pressed_by_enter(stage):
    page = stage.window("bob")
    page.goto(stage.request_url(stage.planner, prompt="consent"))
    tab_to_allow(page)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{stage.back}?code=*")
    page.context.close()


def test_the_allow_button_says_until_when_as_the_duration_changes(stage):
    page = stage.window("bob")
    page.goto(stage.request_url(stage.planner, prompt="consent"))
    names = []
    for value in ("hour", "today", "week", "month"):
        page.locator(f"input[value={value}]").check(force=True)
        names.append(allow_name(page))
    assert all(name.startswith("Allow until ") for name in names), names
    assert names[1] == "Allow until midnight"
    assert len(set(names)) == 4
    page.context.close()


def test_arrow_keys_choose_the_duration(stage):
    page = stage.window("bob")
    page.goto(stage.request_url(stage.planner, prompt="consent"))
    before = allow_name(page)
    page.locator("input[name=duration]:checked").focus()
    page.keyboard.press("ArrowRight")
    assert allow_name(page) != before
    page.context.close()


def test_under_a_warning_enter_in_the_form_does_not_allow(stage):
    page = stage.window("bob")
    page.goto(stage.request_url(stage.planner, scope="events:read events:write", prompt="consent"))
    assert page.locator(".notice.care").count() == 1
    page.locator("input[name=duration]:checked").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{stage.back}?error=access_denied*")
    page.context.close()


def test_the_first_tab_offers_to_skip_to_the_content(stage):
    page = stage.window("ada")
    page.goto(stage.lived_in.url("/console/delegations"))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.context.close()
