"""The console in a hand and on a desk: the menu without scripts of ours, and lists that change in place."""

import pytest

from tests.browser.watching import findings, watch

pytestmark = pytest.mark.browser


def test_in_a_hand_the_sections_are_behind_a_menu_that_the_keyboard_opens_and_closes(stage):
    page = stage.window("ada", viewport={"width": 390, "height": 800})
    page.goto(stage.lived_in.url("/console/agents"))
    sections = page.get_by_role("navigation", name="Console")
    assert not sections.is_visible()
    menu = page.get_by_role("button", name="Menu")
    menu.press("Enter")
    assert sections.is_visible()
    assert not list(findings(page, "dark", 390))
    page.keyboard.press("Escape")
    assert not sections.is_visible()
    assert page.evaluate("document.activeElement.getAttribute('popovertarget')") == "sections"
    menu.click()
    sections.get_by_role("link", name="Delegations").click()
    page.get_by_role("heading", name="Delegations").wait_for()
    page.context.close()


def test_a_filter_changes_the_list_in_place_and_the_address_with_it(stage):
    page = stage.window("ada")
    seen = watch(page)
    page.goto(stage.lived_in.url("/console/agents"))
    page.evaluate("document.body.dataset.same = 'yes'")
    page.get_by_label("Search").fill("minutes")
    page.get_by_label("Search").press("Enter")
    page.get_by_text("1 of 1").wait_for()
    assert page.evaluate("document.body.dataset.same") == "yes"
    assert "q=minutes" in page.url
    assert page.get_by_text("GET /api/v1/agents?q=minutes").is_visible()
    assert "q=minutes" in page.get_by_role("link", name="CSV").get_attribute("href")
    page.go_back()
    page.get_by_role("button", name="Pause Inbox reader").wait_for()
    assert not seen.complaints
    page.context.close()


def test_with_a_list_that_changed_in_place_goes_what_is_done_with_all_of_it(stage):
    page = stage.window("ada")
    seen = watch(page)
    page.goto(stage.lived_in.url("/console/delegations"))
    assert not page.get_by_text("Save this list").is_visible()
    page.get_by_label("Search").fill("minutes")
    page.get_by_label("Search").press("Enter")
    page.get_by_text("Save this list").wait_for()
    for name in ("End all of these", "CSV"):
        assert "q=minutes" in page.get_by_role("link", name=name).get_attribute("href")
    page.get_by_role("link", name="Person").click()
    page.wait_for_url("**order=person**")
    page.get_by_text("Save this list").click()
    page.get_by_label("What you call it").fill("Minutes by person")
    page.get_by_role("button", name="Save").click()
    saved = page.get_by_role("list", name="Your saved lists").get_by_role("link", name="Minutes by person")
    saved.wait_for()
    assert saved.get_attribute("aria-current") == "true"
    assert {"q=minutes", "order=person"} <= set(page.url.partition("?")[2].split("&"))
    assert not seen.complaints
    page.context.close()


def test_a_list_is_filtered_without_scripts_as_well(stage):
    page = stage.window("ada", java_script_enabled=False)
    page.goto(stage.lived_in.url("/console/agents"))
    page.get_by_label("Search").fill("minutes")
    page.get_by_role("button", name="Filter").click()
    page.get_by_text("1 of 1").wait_for()
    assert "q=minutes" in page.url
    page.context.close()
