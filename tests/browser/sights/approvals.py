"""What waits for an admin, and the ways by which agents arrive."""

from playwright.sync_api import Page

from tests.browser.sight import Sight, at, at_empty
from tests.browser.stage import Stage


def _everything_open(stage: Stage, page: Page) -> None:
    """Open all parts of a card, and show the keys."""
    page.goto(stage.lived_in.url("/console/approvals"))
    page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true; })")
    page.locator(".approval").first.focus()


def _flawed_decision(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/console/approvals"))
    page.locator("summary", has_text="Deny").first.click()
    page.get_by_label("Own words").first.press("Enter")
    page.get_by_text("Nothing was decided about").wait_for()


def _new_token(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/console/ways-in"))
    page.get_by_label("For whom or what").fill("The build farm of the robotics team")
    page.get_by_role("button", name="Make a token").click()
    page.get_by_role("status").wait_for()


SIGHTS = (
    Sight("console-approvals-open", _everything_open, "ada"),
    Sight("console-approvals-flawed", _flawed_decision, "ada", status=422),
    Sight("console-ways-in", at("/console/ways-in"), "ada"),
    Sight("console-ways-in-token", _new_token, "ada"),
    Sight("console-approvals", at("/console/approvals"), "ada"),
    Sight("console-approvals-narrowed", at("/console/approvals?writes=true&q=planner"), "ada"),
    Sight("console-approvals-empty", at_empty("/console/approvals"), "ada", is_empty=True),
)
