"""Every page there is, and how one comes to stand before it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from playwright.sync_api import Page

from tests.browser.stage import Stage, sign_in
from tests.harness.world import World

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
    return lambda stage, page: _go(page, stage.lived_in.url(path))


def at_empty(path: str) -> Arrive:
    """Open an address of the empty tenant."""
    return lambda stage, page: _go(page, stage.empty.url(path))


def _go(page: Page, url: str) -> None:
    page.goto(url)


def _wrong_password(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/login"))
    sign_in(page, stage.lived_in.email("bob"), "not the password")
    page.get_by_role("alert").wait_for()


def _wrong_password_again(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/login/again"))
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_text("Incorrect password.").wait_for()


def _consent(stage: Stage, page: Page) -> None:
    scope = "events:read events:write contacts:read openid profile email"
    page.goto(stage.request_url(stage.planner, scope=scope, prompt="consent"))


def _consent_in_two_places(stage: Stage, page: Page) -> None:
    world = stage.lived_in
    both = [world.calendar.identifier, world.notes.identifier]
    scope = "events:read events:write notes:read notes:write offline_access"
    page.goto(stage.request_url(stage.reader, scope=scope, resource=both, prompt="consent"))


def _consent_without_warning(stage: Stage, page: Page) -> None:
    page.goto(stage.request_url(stage.quiet, redirect_uri="https://minutes.example/back", prompt="consent"))


def _reconsent(stage: Stage, page: Page) -> None:
    page.goto(stage.request_url(stage.reader, scope="events:read events:write contacts:read"))


def _sign_in_only(stage: Stage, page: Page) -> None:
    page.goto(stage.request_url(stage.reader, scope="openid profile email", resource=None, prompt="consent"))


def _decided(stage: Stage, page: Page) -> None:
    """Press the button of one and the same form twice."""
    _reconsent(stage, page)
    page.eval_on_selector("form", "form => form.target = '_blank'")
    with page.expect_popup() as popup:
        page.get_by_role("button", name="Don't allow").click()
    popup.value.get_by_role("heading", name="Back at the agent").wait_for()
    page.eval_on_selector("form", "form => form.target = ''")
    page.get_by_role("button", name="Don't allow").click()
    page.get_by_role("heading", name="You already decided on this request").wait_for()


def _back_to_an_app(stage: Stage, page: Page) -> None:
    app = stage.lived_in.public_client("Pocket agent", redirect_uris=["com.example.agent:/back"])
    page.goto(stage.request_url(app, redirect_uri="com.example.agent:/back"))
    page.get_by_role("button", name="Allow until").click()
    page.get_by_role("heading", name="Done. Taking you back").wait_for()


def _unknown_redirect(stage: Stage, page: Page) -> None:
    page.goto(stage.request_url(stage.planner, redirect_uri="https://travel.example/callback/"))


def _unknown_client(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/authorize?client_id=dcr_nobody&response_type=code"))


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


def _end_all_open(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/me/agents"))
    page.get_by_text("End all access").click()


def _forged_form(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/login"))
    page.context.clear_cookies()
    sign_in(page, "x@example.com", "x")
    page.get_by_role("heading", name="This form is too old to send").wait_for()


def _outside(path: str) -> Arrive:
    return lambda stage, page: _go(page, f"{stage.lived_in.origin}{path}")


SIGHTS = (
    Sight("sign-in", at("/login")),
    Sight("sign-in-refused", _wrong_password),
    Sight("sign-in-again", at("/login/again"), "alice"),
    Sight("sign-in-again-refused", _wrong_password_again, "bob"),
    Sight("sign-out", at("/logout"), "alice"),
    Sight("sign-up-closed", at("/signup")),
    Sight("consent", _consent, "bob"),
    Sight("consent-two-places", _consent_in_two_places, "ada"),
    Sight("consent-no-warning", _consent_without_warning, "bob"),
    Sight("consent-sign-in-only", _sign_in_only, "bob"),
    Sight("reconsent", _reconsent, "alice"),
    Sight("decided", _decided, "alice", status=409),
    Sight("return-to-app", _back_to_an_app, "bob"),
    Sight("error-redirect", _unknown_redirect, status=400),
    Sight("error-client", _unknown_client, status=400),
    Sight("my-agents", at("/me/agents"), "alice"),
    Sight("my-agents-end-all", _end_all_open, "alice"),
    Sight("my-agents-ended", _just_ended, "bob"),
    Sight("my-agents-ended-with-a-part", _just_ended_with_a_part, "bob"),
    Sight("my-agents-empty", at_empty("/me/agents"), "alice", is_empty=True),
    Sight("past-access", at("/me/agents/past"), "alice"),
    Sight("past-access-empty", at_empty("/me/agents/past"), "alice", is_empty=True),
    Sight("console-agents", at("/console/agents"), "ada"),
    Sight("console-agents-empty", at_empty("/console/agents"), "ada", is_empty=True),
    Sight("console-delegations", at("/console/delegations"), "ada"),
    Sight("console-delegations-empty", at_empty("/console/delegations"), "ada", is_empty=True),
    Sight("console-forbidden", at("/console/agents"), "alice", status=403),
    Sight("not-found", at("/nothing-here"), "alice", status=404),
    Sight("not-found-outside", _outside("/t/no-such-tenant-here/login"), status=404),
    Sight("forged-form", _forged_form, status=403),
    Sight("welcome", _outside("/")),
)
