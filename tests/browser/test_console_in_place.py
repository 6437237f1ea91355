"""The console in a hand and on a desk: the menu without scripts of ours, and lists that change in place."""

import pytest

from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.browser.watching import findings, watch
from tests.harness.world import make

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("a person at a browser")]


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
    page.get_by_role("heading", name="Delegations", exact=True).wait_for()
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
    assert page.get_by_text("/api/v1/agents?q=minutes").is_visible()
    assert "q=minutes" in page.get_by_role("link", name="CSV", exact=True).get_attribute("href")
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
        assert "q=minutes" in page.get_by_role("link", name=name, exact=True).get_attribute("href")
    page.get_by_role("table").get_by_role("link", name="Person").click()
    page.wait_for_url("**order=person**")
    page.get_by_text("Save this list").click()
    page.get_by_label("What you call it").fill("Minutes by person")
    page.get_by_role("button", name="Save").click()
    saved = page.get_by_role("list", name="Saved lists").get_by_role("link", name="Minutes by person")
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


def test_who_watches_the_activity_sees_what_is_new_and_is_told_of_it(stage):
    page, world = stage.window("ada"), stage.lived_in
    seen = watch(page)
    page.goto(world.url("/console/activity?event=delegation.*"))
    page.get_by_role("button", name="Watch live").click()
    assert page.url.endswith("?event=delegation.*#live")
    said = page.locator(".tailing [role=status]")
    assert said.inner_text() == "New entries appear here."
    world.grant(world.public_client("Night watch"))
    page.locator(".arrived", has_text="allowed Night watch").wait_for()
    assert page.locator(".arrived").count() == 1
    assert said.inner_text().endswith(": 1 new entry.")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.get_by_text("Paused while you read further down.").wait_for()
    world.grant(world.public_client("Unseen yet"))
    page.wait_for_timeout(2500)
    assert not page.locator(".arrived", has_text="Unseen yet").count()
    page.evaluate("window.scrollTo(0, 0)")
    page.locator(".arrived", has_text="allowed Unseen yet").wait_for()
    assert not list(findings(page, "dark", 390))
    page.reload()
    assert page.get_by_role("button", name="Watch live").get_attribute("aria-pressed") == "true"
    assert not seen.complaints
    page.context.close()


def test_a_list_that_is_narrowed_anew_is_not_watched(stage):
    page = stage.window("ada")
    page.goto(stage.lived_in.url("/console/activity"))
    page.get_by_role("button", name="Watch live").click()
    page.get_by_label("Event").fill("delegation.*")
    page.get_by_label("Event").press("Enter")
    page.wait_for_url("**event=delegation**")
    page.get_by_role("button", name="Watch live").wait_for()
    assert page.get_by_role("button", name="Watch live").get_attribute("aria-pressed") == "false"
    assert "#live" not in page.url
    page.context.close()


def test_of_many_tenants_one_is_found_by_typing(stage):
    world = make(stage.lived_in.origin, stage.lived_in.http)
    for number in range(8):
        tenant = tenant_actions.create_tenant(f"{world.tenant.slug}-{number}"[-40:], f"Branch {number}", by=SYSTEM)
        with context.use(tenant):
            tenant_actions.add_member(world.people["bob"].user, "member", by=SYSTEM)
    page = stage.window("bob", world)
    seen = watch(page)
    page.goto(world.url("/me/agents"))
    page.locator(".switcher > summary").click()
    page.get_by_label("Find an organisation").press_sequentially("branch 7")
    (found,) = page.locator("#my-tenants > li:visible").all()
    assert "Branch 7" in found.inner_text()
    assert not list(findings(page, "light", 390))
    assert not seen.complaints
    page.get_by_label("Find an organisation").press("Enter")
    page.wait_for_url(f"**/t/{tenant.slug}/**")
    page.context.close()
