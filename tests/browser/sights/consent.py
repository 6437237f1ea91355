"""What a person is asked when an agent wants to act for them: at a browser, on a device, later."""

from playwright.sync_api import Page

from agents import remarks
from agents.models import Approval
from kit import context
from tests.browser.sight import Arrive, Sight, at
from tests.browser.stage import Stage
from tests.harness.deferral import WAITS
from tests.harness.device import Device


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


def _newcomer(stage: Stage, page: Page) -> None:
    page.goto(stage.request_url(stage.newcomer, scope="events:read events:write"))


def _asked_admins(stage: Stage, page: Page) -> None:
    _newcomer(stage, page)
    page.get_by_role("button", name="Ask your admins").click()
    page.get_by_role("heading", name="Sent to your admins").wait_for()


def _asked_by_admins(stage: Stage, page: Page) -> None:
    """Stand before the page of somebody who was asked, and has yet to answer."""
    world = stage.lived_in
    with context.use(world.tenant):
        question = Approval.objects.select_related("agent").get(agent=stage.newcomer.client.agent_id, status="waiting")
        if not question.remarks.exists():
            remarks.ask(question, by=world.people["ada"], words="For which offsite, and who pays?")
    page.goto(stage.request_url(stage.newcomer, scope="events:read events:write"))
    page.get_by_role("button", name="Answer").wait_for()


def _device_link(stage: Stage, page: Page) -> None:
    page.goto(stage.device().answer["verification_uri_complete"])


def _device_wrong_code(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/device"))
    page.get_by_label("Code").fill("wdjb-mjht")
    page.get_by_role("button", name="Next").click()
    page.get_by_role("alert").wait_for()


def _device_consent(stage: Stage, page: Page) -> None:
    _type_in(stage.device(), page)


def _device_two_places(stage: Stage, page: Page) -> None:
    world = stage.lived_in
    both = [world.calendar.identifier, world.notes.identifier]
    scope = "events:read events:write notes:read notes:write openid offline_access"
    long = " ".join(["terminal-agent/2.1.0 (Linux 6.8.0-45-generic; x86_64)"] * 3)
    _type_in(stage.device(scope=scope, resource=both, user_agent=long), page)


def _device_decided(button: str) -> Arrive:
    def arrive(stage: Stage, page: Page) -> None:
        _device_consent(stage, page)
        page.get_by_role("button", name=button).click()
        page.get_by_role("link", name="Agents acting for you").wait_for()

    return arrive


def _type_in(device: Device, page: Page) -> None:
    page.goto(device.answer["verification_uri"])
    page.get_by_label("Code").fill(device.user_code)
    page.get_by_label("Code").press("Enter")
    page.get_by_role("heading", name="Let").wait_for()


def _unknown_redirect(stage: Stage, page: Page) -> None:
    page.goto(stage.request_url(stage.planner, redirect_uri="https://travel.example/callback/"))


def _unknown_client(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/authorize?client_id=dcr_nobody&response_type=code"))


def _deferred(stage: Stage, page: Page) -> None:
    world = stage.lived_in
    granted = world.grant(stage.quiet, scope="notes:read", resource=world.notes.identifier)
    asked = {"resource": world.calendar.identifier, "scope": "events:read events:write", **WAITS}
    answer = world.refresh(stage.quiet, granted["refresh_token"], **asked)
    page.goto(answer.json()["interaction_uri"])
    page.get_by_role("heading", name="Let Minutes keeper use Calendar").wait_for()


def _deferred_decided(button: str) -> Arrive:
    def arrive(stage: Stage, page: Page) -> None:
        _deferred(stage, page)
        page.get_by_role("button", name=button).click()
        page.get_by_role("link", name="Agents acting for you").wait_for()

    return arrive


SIGHTS = (
    Sight("consent", _consent, "bob"),
    Sight("consent-two-places", _consent_in_two_places, "ada"),
    Sight("consent-no-warning", _consent_without_warning, "bob"),
    Sight("consent-sign-in-only", _sign_in_only, "bob"),
    Sight("reconsent", _reconsent, "alice"),
    Sight("decided", _decided, "alice", status=409),
    Sight("return-to-app", _back_to_an_app, "bob"),
    Sight("device", at("/device"), "bob"),
    Sight("device-link", _device_link, "bob"),
    Sight("device-wrong-code", _device_wrong_code, "bob", status=400),
    Sight("device-consent", _device_consent, "bob"),
    Sight("device-two-places", _device_two_places, "ada"),
    Sight("device-allowed", _device_decided("Allow until"), "bob"),
    Sight("device-denied", _device_decided("Don't allow"), "bob"),
    Sight("device-reported", _device_decided("I did not start this"), "bob"),
    Sight("deferred", _deferred, "alice"),
    Sight("deferred-denied", _deferred_decided("Don't allow"), "alice"),
    Sight("deferred-allowed", _deferred_decided("Allow until"), "alice"),
    Sight("who-decides", at("/who-decides"), "bob"),
    Sight("error-redirect", _unknown_redirect, status=400),
    Sight("error-client", _unknown_client, status=400),
    Sight("newcomer", _newcomer, "ada"),
    Sight("newcomer-asked", _asked_admins, "ada"),
    Sight("newcomer-answers", _asked_by_admins, "alice"),
)
