"""A person's own pages."""

import time

from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page

from audit.principals import SYSTEM
from delegations import saved_views
from kit import context
from tenants.models import SavedView
from tests.browser.sight import Sight, at, at_empty, saved_above
from tests.browser.stage import Stage
from tests.harness.world import PASSWORD


def _just_ended(stage: Stage, page: Page) -> None:
    world = stage.lived_in
    world.grant(world.public_client("Short visit"), "bob")
    page.goto(world.url("/me/agents"))
    page.get_by_role("button", name="End access of Short visit").click()
    page.get_by_role("status").wait_for()


def _just_ended_with_a_part(stage: Stage, page: Page) -> None:
    world = stage.lived_in
    trip = world.public_client("Trip planner")
    helper = world.helper("Ticket finder")
    world.let_hand_on(trip, helper)
    time.sleep(settings.CACHE_SECONDS)  # Until the server knows of the handover.
    granted = world.grant(trip, "bob")
    assert world.exchange(helper, granted["access_token"]).status_code == 200
    page.goto(world.url("/me/agents"))
    page.get_by_role("button", name="End access of Trip planner").click()
    page.get_by_text("What it handed on").wait_for()


def _allow_less_of_mine(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/me/agents"))
    page.get_by_text("Allow less").first.click()


def _just_allowed_less(stage: Stage, page: Page) -> None:
    """Let one that alice allowed end earlier, on the page; she may take that back."""
    _allow_less_of_mine(stage, page)
    page.get_by_label("Until when").first.select_option("hour")
    page.get_by_role("button", name="Allow less").first.click()
    page.get_by_text("You allowed less").wait_for()


def _my_views(stage: Stage, page: Page) -> None:
    """Look at the saved lists: one says what means nothing any more, one is shared, and one is somebody else's."""
    saved_above(stage, page)
    world = stage.lived_in
    with context.use(world.tenant):
        SavedView.objects.filter(name="Ends soon").update(query="colour=red&ends_before=7d")
        if not (views := saved_views.of(world.people["bob"], "agents")):
            views = [
                saved_views.save(world.people["bob"], "agents", "Nobody answers for them", "no_owner=true", by=SYSTEM)
            ]
        for view in (*views, *saved_views.of(world.people["ada"]).filter(name__startswith="Of the planner")):
            SavedView.objects.filter(pk=view.pk).update(shared_at=timezone.now())
    page.goto(world.url("/me/views"))
    page.get_by_text("Rename").first.click()


def _view_not_saved(stage: Stage, page: Page) -> None:
    """Save a list under a name that is taken."""
    saved_above(stage, page)
    page.get_by_label("What you call it").fill("Ends soon")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("It is there already.").wait_for()


def _end_all_open(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/me/agents"))
    page.get_by_text("End all access").click()


def _places_open(stage: Stage, page: Page) -> None:
    world = stage.lived_in
    for _ in range(2):
        world.grant(stage.reader)
    page.goto(world.url("/me/agents"))
    page.get_by_text("Runs in").first.click()
    page.get_by_text("Name this place").first.click()


def _renewal(stage: Stage, page: Page) -> None:
    """Open what alice allowed for a week, to allow it anew."""
    page.goto(stage.lived_in.url("/me/agents"))
    page.get_by_role("link", name="Renew the access of Minutes keeper to Notes").click()
    page.get_by_text("You allowed Minutes keeper this before.").wait_for()


def _signed_in_elsewhere(stage: Stage, page: Page) -> None:
    """Sign in in two other browsers, the second one of which says nothing of itself."""
    world = stage.lived_in
    for said in ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "a"):
        other = world.browser()
        other.http.headers["User-Agent"] = said
        other.go(world.url("/login"))
        other.sign_in(world.email("bob"), PASSWORD)
    page.goto(world.url("/me/security"))
    page.get_by_role("button", name="End all others").wait_for()


def _ended_elsewhere(stage: Stage, page: Page) -> None:
    """End one of them."""
    _signed_in_elsewhere(stage, page)
    page.get_by_role("button", name="End Safari on iPhone").first.click()
    page.get_by_text("This sign-in ended: Safari on iPhone.").wait_for()


SIGHTS = (
    Sight("my-agents", at("/me/agents"), "alice"),
    Sight("my-agents-end-all", _end_all_open, "alice"),
    Sight("my-agents-places", _places_open, "alice"),
    Sight("my-agents-less", _allow_less_of_mine, "alice"),
    Sight("my-agents-allowed-less", _just_allowed_less, "alice"),
    Sight("my-agents-ended", _just_ended, "bob"),
    Sight("my-agents-ended-with-a-part", _just_ended_with_a_part, "bob"),
    Sight("my-agents-empty", at_empty("/me/agents"), "alice", is_empty=True),
    Sight("renewal", _renewal, "alice"),
    Sight("past-access", at("/me/agents/past"), "alice"),
    Sight("past-access-empty", at_empty("/me/agents/past"), "alice", is_empty=True),
    Sight("my-activity", at("/me/activity?tokens=true"), "alice"),
    Sight("my-activity-empty", at_empty("/me/activity?event=nothing"), "alice", is_empty=True),
    Sight("my-questions", at("/me/questions"), "alice"),
    Sight("my-questions-empty", at_empty("/me/questions"), "alice", is_empty=True),
    Sight("my-security", _signed_in_elsewhere, "bob"),
    Sight("my-security-ended", _ended_elsewhere, "bob"),
    Sight("my-mail", at("/me/notices"), "ada"),
    Sight("my-views", _my_views, "ada"),
    Sight("my-views-not-saved", _view_not_saved, "ada", status=422),
    Sight("my-views-empty", at_empty("/me/views"), "ada", is_empty=True),
)
