"""A button that copies what stands beside it, says so, and is a button again."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("a person at a browser")]
IS_SHELL_ENOUGH = True


def test_a_press_copies_an_id_and_says_so_for_a_moment(stage):
    window = stage.window("ada", permissions=["clipboard-read", "clipboard-write"])
    agent = stage.planner.client.agent_id
    window.goto(stage.lived_in.url(f"/console/agents/{agent}"))
    button = window.get_by_role("button", name="Copy id")
    button.click()
    window.get_by_role("button", name="Copied").wait_for()
    assert window.evaluate("navigator.clipboard.readText()") == agent
    button.wait_for()
    window.context.close()


def test_without_scripts_there_is_no_button_that_does_nothing(stage):
    window = stage.window("ada", java_script_enabled=False)
    window.goto(stage.lived_in.url(f"/console/agents/{stage.planner.client.agent_id}"))
    assert window.get_by_text("Known here as").is_visible()
    assert not window.locator("[data-copy]").first.is_visible()
    window.context.close()
