"""The agents of a tenant, and one of them."""

from django.utils import timezone
from playwright.sync_api import Page

from agents import clients, credentials
from agents.models import Agent, Client, CoOwner
from audit.principals import SYSTEM, Kind, Principal
from kit import context
from tests.browser.sight import Arrive, Sight, again, at, at_empty
from tests.browser.stage import Stage
from tests.harness.keyholder import Keyholder


def _in_console(path: str = "", *, is_client: bool = False) -> Arrive:
    """Open the page of an agent that an admin registered, or of its client."""

    def arrive(stage: Stage, page: Page) -> None:
        client = stage.quiet.client
        own = f"/clients/{client.pk}" if is_client else ""
        page.goto(stage.lived_in.url(f"/console/agents/{client.agent_id}{own}{path}"))

    return arrive


def _document_without_https(stage: Stage, page: Page) -> None:
    """Ask for a document at an address that is never asked."""
    page.goto(stage.lived_in.url("/console/agents/add/document"))
    page.get_by_label("Address of its document").fill("http://agent.example/client.json")
    page.get_by_role("button", name="Fetch it").click()
    page.get_by_text("The address begins with https://.").first.wait_for()


def _flawed_agent(stage: Stage, page: Page) -> None:
    """Send the form of a new agent with an address that nobody may return to."""
    page.goto(stage.lived_in.url("/console/agents/add"))
    page.get_by_label("Name").fill("Expense clerk")
    page.get_by_label("Where people return to").fill("http://expenses.example/back")
    page.get_by_role("button", name="Add it").click()
    page.locator(".errorlist").first.wait_for()


def _planner(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url(f"/console/agents/{stage.planner.client.agent_id}"))


def _handovers_of_planner(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url(f"/console/agents/{stage.planner.client.agent_id}/handovers"))


def _flawed_client(stage: Stage, page: Page) -> None:
    """Have a client return to an address that nobody may return to."""
    _in_console(is_client=True)(stage, page)
    page.get_by_text("Change its name and its addresses").click()
    page.get_by_label("Returns to").fill("http://agent.example/callback")
    page.locator("form[action$='/change']").get_by_role("button", name="Save").click()
    page.locator(".errorlist").wait_for()


def _changed_client(stage: Stage, page: Page) -> None:
    """Change what a client says, so that it may be taken back."""
    world, ada = stage.lived_in, stage.lived_in.people["ada"]
    with context.use(world.tenant):
        client = Client.objects.get(pk=stage.quiet.client.pk)
        clients.change_client(
            client, {"client_uri": "https://minutes.example/"}, by=Principal(Kind.USER, ada.pk, "Ada")
        )
    _in_console(is_client=True)(stage, page)


def _open_switches(stage: Stage, page: Page) -> None:
    """Open what weakens a client, on the page of the one that appears as people."""
    _in_console(is_client=True)(stage, page)
    page.get_by_role("region", name="What weakens something").locator("summary").click()


def _tokens_of_planner(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url(f"/console/agents/{stage.planner.client.agent_id}/tokens"))


def _credentials(stage: Stage, page: Page) -> None:
    """Show a secret that was used, one that follows it, and a key."""
    world, client = stage.lived_in, stage.quiet.client
    with context.use(world.tenant):
        fresh = Client.objects.get(pk=client.pk)
        if len(credentials.secrets(fresh)) == 1:
            credentials.add_secret(fresh, by=SYSTEM, overlap_days=7)
            credentials.add_key(fresh, Keyholder("x").jwks["keys"][0], by=SYSTEM)
    page.goto(world.url(f"/console/agents/{client.agent_id}/credentials"))


def _many_agents(stage: Stage, page: Page) -> None:
    """Tick every row of the list, and ask what pausing them reaches."""
    page.goto(stage.lived_in.url("/console/agents?ticked=page"))
    page.get_by_role("button", name="Pause those").click()


def _ending_an_agent(stage: Stage, page: Page) -> None:
    _in_console("/end")(stage, page)
    again(page)
    page.get_by_role("button", name="End").wait_for()


def _as_owner(path: str) -> Arrive:
    """Open a page of the console as somebody without a role, who owns an agent with somebody and is asked about it."""

    def arrive(stage: Stage, page: Page) -> None:
        world, agent = stage.lived_in, stage.quiet.client.agent_id
        with context.use(world.tenant):
            CoOwner.objects.get_or_create(agent_id=agent, member=world.people["bob"])
            Agent.objects.filter(pk=agent).update(confirm_asked_at=timezone.now())
        page.goto(world.url(path.format(agent=agent)))

    return arrive


def _columns(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/console/agents?columns=owner&columns=registered&columns=colour"))
    page.locator("details.which-columns > summary").click()


SIGHTS = (
    Sight("console-agents", at("/console/agents"), "ada"),
    Sight("console-agents-empty", at_empty("/console/agents"), "ada", is_empty=True),
    Sight("console-agent-add", at("/console/agents/add"), "ada"),
    Sight("console-agent-add-flawed", _flawed_agent, "ada", status=422),
    Sight("console-document-add", _document_without_https, "ada", status=422),
    Sight("console-agent", _in_console(), "ada"),
    Sight("console-agent-chain", _planner, "ada"),
    Sight("console-agent-tokens", _tokens_of_planner, "ada"),
    Sight("console-agent-credentials", _credentials, "ada"),
    Sight("console-agent-activity", _in_console("/activity"), "ada"),
    Sight("console-agent-end", _ending_an_agent, "ada"),
    Sight("owner-agents", _as_owner("/console/agents"), "bob"),
    Sight("owner-agent", _as_owner("/console/agents/{agent}"), "bob"),
    Sight("console-agent-owners", _in_console("/owners"), "ada"),
    Sight("console-agent-ceiling", _in_console("/ceiling"), "ada"),
    Sight("console-agent-handovers", _handovers_of_planner, "ada"),
    Sight("console-client-switches", _open_switches, "ada"),
    Sight("console-client-platform", _in_console("/platform", is_client=True), "ada"),
    Sight("console-client", _changed_client, "ada"),
    Sight("console-client-flawed", _flawed_client, "ada", status=422),
    Sight("console-agents-columns", _columns, "ada"),
    Sight("console-agents-ticked", at("/console/agents?ticked=page"), "ada"),
    Sight("many-agents", _many_agents, "ada"),
)
