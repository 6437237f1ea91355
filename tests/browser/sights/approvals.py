"""What waits for an admin, and the ways by which agents arrive."""

from playwright.sync_api import Page

from agents.models import Agent, Approval, Client
from kit import context
from tests.browser.sight import Sight, at, at_empty
from tests.browser.stage import Stage


def _everything_open(stage: Stage, page: Page) -> None:
    """Open all parts of a card, and show the keys."""
    page.goto(stage.lived_in.url("/console/approvals"))
    page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true; })")
    page.locator(".approval").first.focus()


def _flawed_decision(stage: Stage, page: Page) -> None:
    """Send a denial without its reason as a page without scripts does: what is wrong comes with the whole page."""
    page.goto(stage.lived_in.url("/console/approvals"))
    page.locator("form[action*='/deny']").first.evaluate("form => form.submit()")
    page.get_by_text("Nothing was decided about").wait_for()


def _together(stage: Stage, page: Page) -> None:
    """Stand before two questions that ask for the same, of agents that an admin registered."""
    world = stage.lived_in
    asked, ids = {world.calendar.identifier: ["events:read"]}, []
    with context.use(world.tenant):
        for name in ("Minutes of meetings", "Sitzungsprotokollzusammenfassungswerkzeug"):
            agent = Agent.objects.get_or_create(name=name, status="pending")[0]
            client = Client.objects.get_or_create(client_id=f"cli_{agent.pk}", name=name, agent=agent)[0]
            ids.append(Approval.objects.get_or_create(agent=agent, client=client, kind="admission", asked=asked)[0].pk)
    page.goto(world.url(f"/console/approvals/together?ids={'&ids='.join(ids)}"))


def _one(stage: Stage, page: Page) -> None:
    """Stand before one question at its own address."""
    page.goto(stage.lived_in.url("/console/approvals"))
    page.locator(".approval .plain").first.click()
    page.get_by_role("heading", level=1).get_by_text("act here?").wait_for()


def _one_decided(stage: Stage, page: Page) -> None:
    with context.use(stage.lived_in.tenant):
        decided = Approval.objects.filter(status=Approval.Status.DENIED).latest("decided_at")
    page.goto(stage.lived_in.url(f"/console/approvals/{decided.pk}"))


def _new_token(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/console/ways-in"))
    page.get_by_label("For whom or what").fill("The build farm of the robotics team")
    page.get_by_role("button", name="Make a token").click()
    page.get_by_role("status").wait_for()


SIGHTS = (
    Sight("console-approvals-open", _everything_open, "ada"),
    Sight("console-approval", _one, "ada"),
    Sight("console-approval-decided", _one_decided, "ada"),
    Sight("console-approvals-flawed", _flawed_decision, "ada", status=422),
    Sight("console-ways-in", at("/console/ways-in"), "ada"),
    Sight("console-ways-in-token", _new_token, "ada"),
    Sight("console-approvals", at("/console/approvals"), "ada"),
    Sight("console-approvals-narrowed", at("/console/approvals?writes=true&q=planner"), "ada"),
    Sight("console-approvals-empty", at_empty("/console/approvals"), "ada", is_empty=True),
    Sight("console-approvals-together", _together, "ada"),
)
