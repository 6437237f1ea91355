"""The queue of approvals from the first to the last by keyboard alone."""

import pytest
from playwright.sync_api import Page, expect

from agents.models import Approval
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.harness.world import make

pytestmark = pytest.mark.browser
NAMES = ("Amber", "Birch", "Cedar")


@pytest.fixture
def queue(stage):
    """A tenant in which three agents wait, newest first."""
    world = make(stage.lived_in.origin, stage.lived_in.http)
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="admission")
    for name in reversed(NAMES):
        world.public_client(name)
    yield world
    world.close()


def at(page: Page) -> str:
    """Return the name of the card that has the focus, and is said to be the current one."""
    card = page.locator(".approval[aria-current=true]")
    expect(card).to_have_count(1)
    assert card.evaluate("card => card.contains(document.activeElement)")
    return card.get_by_role("heading", level=2).inner_text()


def test_every_agent_of_the_queue_is_decided_without_a_mouse(stage, queue):
    page = stage.window("ada", queue)
    page.goto(queue.url("/console/approvals"))
    press = page.keyboard.press
    press("a")
    press("?")
    expect(page.get_by_text("Single keys work on this page")).to_be_visible()
    press("?")
    press("j")
    press("j")
    assert at(page) == "Birch"
    press("k")
    assert at(page) == "Amber"
    press("a")
    expect(page.get_by_role("row", name="Amber")).to_contain_text("Approved")
    assert at(page) == "Birch"
    press("c")
    page.keyboard.type("Adjacent to what?")
    press("Enter")
    expect(page.get_by_text("Adjacent to what?")).to_be_visible()
    assert at(page) == "Birch"
    press("d")
    press("ArrowDown")
    press("Tab")
    press("Enter")
    expect(page.get_by_role("row", name="Birch")).to_contain_text("We use another agent for this.")
    assert at(page) == "Cedar"
    press("z")
    expect(page.get_by_role("row", name="Birch")).to_have_count(0)
    assert at(page) == "Birch"
    press("a")
    expect(page.get_by_role("row", name="Birch")).to_contain_text("Approved")
    press("e")
    press("Tab")
    press("ArrowDown")
    press("Escape")
    assert at(page) == "Cedar"
    press("a")
    expect(page.get_by_role("heading", name="Nothing waits.")).to_be_visible()
    with context.use(queue.tenant):
        said = dict(Approval.objects.values_list("agent__name", "status"))
        assert said == dict.fromkeys(NAMES, "approved")
        assert Approval.objects.get(agent__name="Cedar").longest_seconds == 3600
    page.context.close()
