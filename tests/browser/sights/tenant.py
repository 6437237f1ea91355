"""The tenant itself: overview, members, settings, activity and why."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page

from tests.browser.sight import Arrive, Sight, again, at, at_empty
from tests.browser.stage import Stage


def _checked(stage: Stage, page: Page) -> None:
    """Ask for more than alice allowed."""
    world = stage.lived_in
    page.goto(world.url("/console/check"))
    page.get_by_label("Agent", exact=True).fill(stage.planner.client.agent_id or "")
    page.get_by_label("For whom").fill(world.email("alice"))
    page.get_by_label("Where").select_option(world.calendar.identifier)
    page.get_by_label("Scopes").fill("contacts:read")
    page.get_by_role("button", name="Check").click()
    page.get_by_role("heading", name="Not allowed").wait_for()


def _event(stage: Stage, page: Page) -> None:
    """Open what the ledger says of a refusal in alice's name."""
    page.goto(stage.lived_in.url(f"/console/activity/events/{stage.refused}"))


def _why(stage: Stage, page: Page) -> None:
    """Open the reason of a refusal in alice's name."""
    page.goto(stage.lived_in.url(f"/why/{stage.refused}"))


def _webhook(*further: str) -> Arrive:
    def arrive(stage: Stage, page: Page) -> None:
        page.goto(stage.lived_in.url("/console/webhooks"))
        page.get_by_role("link", name="hooks.example.com").first.click()
        page.get_by_role("heading", name="hooks.example.com").wait_for()
        for name in further:
            page.get_by_role("link", name=name).click()
            page.get_by_role("button", name=name).wait_for()

    return arrive


def _webhook_secret(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/console/webhooks/add"))
    page.get_by_label("Address").fill("https://siem.example.com/remit")
    page.get_by_label("Agents", exact=True).check()
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("heading", name="The secret of").wait_for()


def _webhook_flawed(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/console/webhooks/add"))
    page.get_by_label("Address").fill("http://siem.example.com/remit")
    page.get_by_label("And single events").fill("token.issued")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("An address is a plain https URL").first.wait_for()


def _invited(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/console/members"))
    page.locator("form[action$='/invite']").get_by_label("E-mail").fill("grace@elsewhere.example")
    page.get_by_role("button", name="Invite").click()
    row = page.locator("tr", has_text="Person 00000")
    row.locator("details").evaluate("each => each.open = true")
    row.locator("select").select_option("auditor")
    row.get_by_label("Last day").fill(f"{timezone.now() + timedelta(days=4):%Y-%m-%d}")
    row.get_by_role("button", name="Save").click()
    row.get_by_text("Ends in").wait_for()


def _removing(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url(f"/console/members/{stage.lived_in.people['bob'].pk}/remove"))
    again(page)
    page.get_by_role("button", name="Remove").wait_for()


def _removing_an_owner(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url(f"/console/members/{stage.lived_in.people['ada'].pk}/remove"))
    again(page)
    page.get_by_label("Who takes over their agents").fill("nobody@elsewhere.example")
    page.get_by_role("button", name="Remove").click()
    page.get_by_text("Nobody who has a place here").wait_for()


SIGHTS = (
    Sight("console-overview", at("/console"), "ada"),
    Sight("console-overview-empty", at_empty("/console"), "ada", is_empty=True),
    Sight("console-pause", at("/console/settings/pause"), "ada"),
    Sight("check", at("/console/check"), "ada"),
    Sight("check-refused", _checked, "ada"),
    Sight("why", _why, "ada"),
    Sight("why-mine", _why, "alice"),
    Sight("console-members", _invited, "ada"),
    Sight("console-member-remove", _removing, "ada"),
    Sight("console-member-remove-owner", _removing_an_owner, "ada", status=422),
    Sight("console-settings", at("/console/settings"), "ada"),
    Sight("console-webhooks", at("/console/webhooks"), "ada"),
    Sight("console-webhooks-empty", at_empty("/console/webhooks"), "ada", is_empty=True),
    Sight("console-webhook", _webhook(), "ada"),
    Sight("console-webhook-remove", _webhook("Remove"), "ada"),
    Sight("console-webhook-secret", _webhook_secret, "ada"),
    Sight("console-webhook-flawed", _webhook_flawed, "ada", status=422),
    Sight("console-activity", at("/console/activity"), "ada"),
    Sight("console-event", _event, "ada"),
    Sight("console-activity-empty", at("/console/activity?object=nothing"), "ada"),
)
