"""The queue of approvals from the first to the last by keyboard alone."""

import pytest
from playwright.sync_api import Page, expect

from agents import admission
from agents.models import Approval
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.harness.world import make

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("a person at a browser")]
NAMES = ("Amber", "Birch", "Cedar", "Dogwood")


@pytest.fixture
def queue(stage):
    """A tenant in which four agents wait, newest first."""
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


def told(page: Page, words: str) -> None:
    """See that something is said in the place of a card, and to whoever does not see the page."""
    expect(page.locator(".queue .told").filter(has_text=words)).to_be_visible()
    expect(page.locator("[data-said]")).to_contain_text(words)


def reach(page: Page, name: str) -> None:
    """Go on by Tab until the field of this name has the focus."""
    for _ in range(12):
        if page.evaluate("document.activeElement.name") == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"nothing called {name} was reached")


def test_every_agent_of_the_queue_is_decided_without_a_mouse_and_in_its_place(stage, queue):
    page = stage.window("ada", queue)
    page.goto(queue.url("/console/approvals"))
    page.evaluate("() => { window.isTheSamePage = true; }")
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
    told(page, "Amber: approved by you just now.")
    expect(page.get_by_role("row", name="Amber")).to_contain_text("Approved")
    expect(page.locator("#number")).to_contain_text("3 wait")
    assert at(page) == "Birch"
    press("c")
    page.keyboard.type("Adjacent to what?")
    press("Enter")
    expect(page.get_by_text("Adjacent to what?")).to_be_visible()
    assert at(page) == "Birch"
    press("d")
    press("Tab")
    press("Tab")
    press("Enter")
    expect(page.locator(".queue").get_by_text("Say why: choose a reason")).to_be_visible()
    press("Escape")
    press("d")
    press("ArrowDown")
    press("Tab")
    press("Enter")
    told(page, "Birch: denied by you just now.")
    expect(page.get_by_role("row", name="Birch")).to_contain_text("We use another agent for this.")
    assert at(page) == "Cedar"
    press("z")
    expect(page.get_by_role("row", name="Birch")).to_have_count(0)
    assert at(page) == "Birch"
    press("a")
    told(page, "Birch: approved by you just now.")
    with context.use(queue.tenant):
        dogwood = Approval.objects.get(agent__name="Dogwood")
        admission.deny(dogwood, by=queue.people["bob"], reason="No.")
    press("j")
    assert at(page) == "Dogwood"
    press("a")
    told(page, "Bob was first: Dogwood was denied")
    assert at(page) == "Cedar"
    press("e")
    reach(page, "longest")
    press("ArrowDown")
    press("Escape")
    assert at(page) == "Cedar"
    press("a")
    expect(page.get_by_role("heading", name="Nothing waits.")).to_be_visible()
    assert page.evaluate("window.isTheSamePage")
    with context.use(queue.tenant):
        said = dict(Approval.objects.values_list("agent__name", "status"))
        assert said == {**dict.fromkeys(NAMES, "approved"), "Dogwood": "denied"}
        assert Approval.objects.get(agent__name="Cedar").longest_seconds == 3600
    page.context.close()


def test_people_are_offered_while_an_address_is_typed_and_keys_stay_letters_meanwhile(stage, queue):
    page = stage.window("ada", queue)
    page.goto(queue.url("/console/approvals"))
    press = page.keyboard.press
    press("j")
    press("e")
    reach(page, "owner")
    press("ControlOrMeta+a")
    page.keyboard.type("ali")
    card = page.locator(".approval[aria-current=true]")
    expect(card.locator("input[name=owner]")).to_have_value("ali")
    expect(card.locator("input[name=owner] + datalist option")).to_have_attribute("value", queue.email("alice"))
    assert at(page) == "Amber"
    page.context.close()
