"""A page that is looked at, and the ways that more than one kind of page shares."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from audit.principals import SYSTEM
from delegations import saved_views
from kit import context
from tests.browser.stage import Stage
from tests.harness.world import PASSWORD, World

Arrive = Callable[[Stage, Page], None]


@dataclass(frozen=True)
class Sight:
    """A page: who looks at it, where (the tenant lived in, or the empty one), and how they get there."""

    name: str
    arrive: Arrive
    person: str = ""
    is_empty: bool = False
    status: int = 200

    def world(self, stage: Stage) -> World:
        return stage.empty if self.is_empty else stage.lived_in


def at(path: str) -> Arrive:
    """Open an address of the tenant lived in."""
    return lambda stage, page: go(page, stage.lived_in.url(path))


def at_empty(path: str) -> Arrive:
    """Open an address of the empty tenant."""
    return lambda stage, page: go(page, stage.empty.url(path))


def go(page: Page, url: str) -> None:
    page.goto(url)


def saved_above(stage: Stage, page: Page) -> None:
    """Save two lists, open one, and begin to save a third."""
    world = stage.lived_in
    with context.use(world.tenant):
        for name, query in (("Ends soon", "ends_before=7d"), ("Of the planner, newest first", "q=planner")):
            if not saved_views.of(world.people["ada"], "delegations").filter(name=name).exists():
                saved_views.save(world.people["ada"], "delegations", name, query, by=SYSTEM)
    page.goto(world.url("/console/delegations?q=planner"))
    page.goto(world.url("/console/delegations?q=planner&order=ends"))
    page.get_by_text("Save this list").click()


def again(page: Page) -> None:
    """Prove again that it is them, where the sign-in is some minutes old."""
    if "/login/again" in page.url:
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
