"""Z takes back what a person ended last, as long as they want single keys."""

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("a person at a browser")]


def test_z_takes_back_what_was_ended_last_and_not_once_keys_are_off(stage):
    world = stage.lived_in
    world.grant(world.public_client("Passing guest"), "bob")
    page = stage.window("bob")
    page.goto(world.url("/me/agents"))
    end = page.get_by_role("button", name="End access of Passing guest")
    end.click()
    expect(page.get_by_text("takes back what you ended last")).to_be_visible()
    page.get_by_text("takes back what you ended last").click()
    page.keyboard.press("z")
    expect(page.get_by_role("status")).to_be_visible()
    page.get_by_text("takes back what you ended last").click()
    page.keyboard.press("z")
    expect(end).to_be_visible()
    expect(page.get_by_role("status")).to_have_count(0)
