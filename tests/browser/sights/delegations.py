"""The delegations of a tenant, one of them, and long work on many."""

from django.utils import timezone
from playwright.sync_api import Page

from kit import context
from notices import streams
from tenants.models import ResourceServer
from tests.browser.sight import Sight, at, at_empty, saved_above
from tests.browser.stage import Stage


def _job(stage: Stage, page: Page) -> None:
    """Look at long work that the clock did not come to yet."""
    page.goto(stage.lived_in.url("/console/jobs"))
    page.get_by_role("link", name="End access: 2").click()
    page.get_by_role("heading", name="Ending 2 delegations").wait_for()


def _one_delegation(stage: Stage, page: Page) -> None:
    """Open the part that a helper holds, with the question of its end."""
    (part,) = [each for each in stage.lived_in.delegations() if each.depth and each.ended_at is None][:1]
    page.goto(stage.lived_in.url(f"/console/delegations/{part.pk}"))
    page.get_by_role("button", name="End access").click()
    page.get_by_role("dialog").wait_for()


def _allow_less(stage: Stage, page: Page) -> None:
    """Open the form on a delegation's page, and send it without a reason."""
    (whole,) = [each for each in stage.lived_in.delegations() if len(each.scopes) > 1 and not each.ended_at][:1]
    page.goto(stage.lived_in.url(f"/console/delegations/{whole.pk}"))
    page.locator("summary", has_text="Allow less").click()
    page.get_by_label("Until when").select_option("hour")
    page.get_by_label("Why?").first.fill(" ")
    page.get_by_role("button", name="Allow less").click()
    page.get_by_text("Say why").wait_for()


def _allowed_less(stage: Stage, page: Page) -> None:
    """Let a delegation end earlier, on its page; whoever did it may take that back."""
    (whole,) = [each for each in stage.lived_in.delegations() if len(each.scopes) > 1 and not each.ended_at][:1]
    page.goto(stage.lived_in.url(f"/console/delegations/{whole.pk}"))
    page.locator("summary", has_text="Allow less").click()
    page.locator("form[action$='/narrow'] input[type=checkbox]").first.uncheck()
    page.locator("form[action$='/narrow'] input[name=reason]").fill("It need not do that.")
    page.get_by_role("button", name="Allow less").click()
    page.get_by_text("Made smaller").wait_for()


def _long_file(stage: Stage, page: Page) -> None:
    """Ask for a file that takes too long to wait for; what made it long is gone for the next who look."""
    world, over = stage.empty, {"signing_algorithm": "ES256", "retired_at": timezone.now()}
    named = (f"https://long-{number}.example" for number in range(streams.MOST + 1))
    with context.use(world.tenant):
        ResourceServer.objects.bulk_create(
            (ResourceServer(identifier=each, name=each, **over) for each in named), batch_size=1000
        )
    try:
        page.goto(world.url("/console/resources/export/csv?retired=true"))
        page.get_by_role("heading", name="Too long to wait for").wait_for()
    finally:
        with context.use(world.tenant):
            ResourceServer.objects.filter(identifier__startswith="https://long-").delete()


def _console_places(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/console/delegations"))
    page.get_by_role("link", name="place").first.click()
    page.get_by_role("heading", name="Where it runs").wait_for()


def _long_work(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/console/delegations?q=Planner"))
    page.get_by_text("Long work").last.click()
    page.get_by_role("button", name="Write a CSV file").wait_for()


SIGHTS = (
    Sight("console-delegations", at("/console/delegations"), "ada"),
    Sight("console-delegations-grouped", at("/console/delegations?group=agent"), "ada"),
    Sight("console-delegations-long-work", _long_work, "ada"),
    Sight("console-delegations-narrowed", at("/console/delegations?ends_before=soon&colour=red"), "ada"),
    Sight("console-delegations-saved", saved_above, "ada"),
    Sight("console-long-file", _long_file, "ada", is_empty=True, status=422),
    Sight("console-delegation", _one_delegation, "ada"),
    Sight("console-delegation-less", _allow_less, "ada", status=400),
    Sight("console-delegation-allowed-less", _allowed_less, "ada"),
    Sight("console-delegations-empty", at_empty("/console/delegations"), "ada", is_empty=True),
    Sight("console-places", _console_places, "ada"),
    Sight("end-many", at("/console/delegations/end?q=planner"), "ada"),
    Sight("job", _job, "ada"),
    Sight("jobs", at("/console/jobs"), "ada"),
    Sight("jobs-empty", at_empty("/console/jobs"), "ada", is_empty=True),
)
