"""Every page there is, and how one comes to stand before it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page

from agents import remarks
from agents.models import Approval, CoOwner
from audit.principals import SYSTEM
from delegations import saved_views
from kit import context
from notices import streams
from tenants import actions, members, pausing
from tenants.models import ResourceServer, SavedView
from tests.browser.stage import Stage, say_who, sign_in
from tests.harness import company, domains
from tests.harness.deferral import WAITS
from tests.harness.device import Device
from tests.harness.domains import Foreign
from tests.harness.world import PASSWORD, World, make
from tokens import rotation, stops
from tokens.models import SigningKey
from trust.models import TrustedIssuer

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


def _second_step(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/login"))
    say_who(page, stage.lived_in.email("bob"))
    page.get_by_label("Password").wait_for()


def _second_step_with_a_company(stage: Stage, page: Page) -> None:
    """Say an e-mail whose domain a company signs in, where its button and the password are."""
    world = make(stage.lived_in.origin, stage.lived_in.http)
    company.let_sign_in_at(world, "https://accounts.initech.example", "remit", "x", email_domains=["initech.example"])
    page.goto(world.url("/login"))
    say_who(page, "peter@initech.example")
    page.get_by_role("link", name=company.NAME).wait_for()


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


def _job(stage: Stage, page: Page) -> None:
    """Look at long work that the clock did not come to yet."""
    page.goto(stage.lived_in.url("/console/jobs"))
    page.get_by_role("link", name="End access: 2").click()
    page.get_by_role("heading", name="At work").wait_for()


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


def _behind_the_calendar(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url(f"/console/resources/{stage.lived_in.calendar.pk}/downstream"))


def _flawed_client(stage: Stage, page: Page) -> None:
    """Have a client return to an address that nobody may return to."""
    _in_console(is_client=True)(stage, page)
    page.get_by_text("Change its name and its addresses").click()
    page.get_by_label("Returns to").fill("http://agent.example/callback")
    page.locator("form[action$='/change']").get_by_role("button", name="Save").click()
    page.locator(".errorlist").wait_for()


def _open_switches(stage: Stage, page: Page) -> None:
    """Open what weakens a client, on the page of the one that appears as people."""
    _in_console(is_client=True)(stage, page)
    page.get_by_role("region", name="What weakens something").locator("summary").click()


def _tokens_of_planner(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url(f"/console/agents/{stage.planner.client.agent_id}/tokens"))


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


def _one_delegation(stage: Stage, page: Page) -> None:
    """Open the part that a helper holds, with the question of its end."""
    (part,) = [each for each in stage.lived_in.delegations() if each.depth and each.ended_at is None][:1]
    page.goto(stage.lived_in.url(f"/console/delegations/{part.pk}"))
    page.get_by_text("End access").first.click()


def _allow_less(stage: Stage, page: Page) -> None:
    """Open the form on a delegation's page, and send it without a reason."""
    (whole,) = [each for each in stage.lived_in.delegations() if len(each.scopes) > 1 and not each.ended_at][:1]
    page.goto(stage.lived_in.url(f"/console/delegations/{whole.pk}"))
    page.locator("summary", has_text="Allow less").click()
    page.get_by_label("Until when").select_option("hour")
    page.get_by_label("Why?").first.fill(" ")
    page.get_by_role("button", name="Allow less").click()
    page.get_by_text("Say why").wait_for()


def _allow_less_of_mine(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/me/agents"))
    page.get_by_text("Allow less").first.click()


def _just_allowed_less(stage: Stage, page: Page) -> None:
    """Let one that alice allowed end earlier, on the page; she may take that back."""
    _allow_less_of_mine(stage, page)
    page.get_by_label("Until when").first.select_option("hour")
    page.get_by_role("button", name="Allow less").first.click()
    page.get_by_text("You allowed less").wait_for()


def _allowed_less(stage: Stage, page: Page) -> None:
    """Let a delegation end earlier, on its page; whoever did it may take that back."""
    (whole,) = [each for each in stage.lived_in.delegations() if len(each.scopes) > 1 and not each.ended_at][:1]
    page.goto(stage.lived_in.url(f"/console/delegations/{whole.pk}"))
    page.locator("summary", has_text="Allow less").click()
    page.locator("form[action$='/narrow'] input[type=checkbox]").first.uncheck()
    page.locator("form[action$='/narrow'] input[name=reason]").fill("It need not do that.")
    page.get_by_role("button", name="Allow less").click()
    page.get_by_text("Made smaller").wait_for()


def _many_agents(stage: Stage, page: Page) -> None:
    """Tick every row of the list, and ask what pausing them reaches."""
    page.goto(stage.lived_in.url("/console/agents?ticked=page"))
    page.get_by_role("button", name="Pause those").click()


def _saved_above(stage: Stage, page: Page) -> None:
    """Save two lists, open one, and begin to save a third."""
    world = stage.lived_in
    with context.use(world.tenant):
        for name, query in (("Ends soon", "ends_before=7d"), ("Of the planner, newest first", "q=planner")):
            if not saved_views.of(world.people["ada"], "delegations").filter(name=name).exists():
                saved_views.save(world.people["ada"], "delegations", name, query, by=SYSTEM)
    page.goto(world.url("/console/delegations?q=planner"))
    page.goto(world.url("/console/delegations?q=planner&order=ends"))
    page.get_by_text("Save this list").click()


def _my_views(stage: Stage, page: Page) -> None:
    """Look at the saved lists: one says what means nothing any more, one is shared, and one is somebody else's."""
    _saved_above(stage, page)
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
    _saved_above(stage, page)
    page.get_by_label("What you call it").fill("Ends soon")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("It is there already.").wait_for()


def _paused(stage: Stage, page: Page) -> None:
    """Look at a paused tenant as one of its admins; it is served again for the next who look."""
    tenant = stage.empty.tenant
    stops.pause_tenant(tenant, by=SYSTEM, name=tenant.name, reason="An agent writes where it should read: we look.")
    try:
        domains.wait()
        page.goto(stage.empty.url("/"))
    finally:
        pausing.resume_tenant(tenant, by=SYSTEM)
        domains.wait()


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


def _console_places(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/console/delegations"))
    page.get_by_role("link", name="place").first.click()
    page.get_by_role("heading", name="Where it runs").wait_for()


def _forged_form(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/login"))
    page.context.clear_cookies()
    say_who(page, "x@example.com")
    page.get_by_role("heading", name="This form is too old to send").wait_for()


def _keys(stage: Stage, page: Page) -> None:
    world = stage.lived_in
    with context.use(world.tenant):
        rotation.rotate_due(timezone.now(), by=SYSTEM)
        ready = timezone.now() - rotation.KNOWN_AFTER
        SigningKey.objects.filter(status="next", algorithm="ES256").update(created_at=ready)
    world.http.get(world.url("/jwks.json"), headers={"User-Agent": "gateway/2.1 (x86_64)"})
    page.goto(world.url("/console/keys"))


def _key_leaked(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/console/keys"))
    page.get_by_role("link", name="It leaked").first.click()
    _again(page)
    page.get_by_label("What happened").wait_for()


def _long_work(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/console/delegations?q=Planner"))
    page.get_by_text("Long work").last.click()
    page.get_by_role("button", name="Write a CSV file").wait_for()


def _renewal(stage: Stage, page: Page) -> None:
    """Open what alice allowed for a week, to allow it anew."""
    page.goto(stage.lived_in.url("/me/agents"))
    page.get_by_role("link", name="Renew the access of Minutes keeper to Notes").click()
    page.get_by_text("You allowed Minutes keeper this before.").wait_for()


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


def _outside(path: str) -> Arrive:
    return lambda stage, page: _go(page, f"{stage.lived_in.origin}{path}")


def _resource(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url(f"/console/resources/{stage.lived_in.calendar.pk}"))


def _probe(stage: Stage, page: Page) -> None:
    """Open the test of a server that nobody runs."""
    page.goto(stage.lived_in.url(f"/console/resources/{stage.lived_in.calendar.pk}/test"))
    page.get_by_role("button", name="Test it now").click()
    page.get_by_text("It is not ready").wait_for()


def _scope(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url(f"/console/resources/{stage.lived_in.calendar.pk}/scopes/events:write"))


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


def _coloured(stage: Stage, page: Page) -> None:
    """Look at the sign-in of a tenant with a colour of its own."""
    world = make(stage.lived_in.origin, stage.lived_in.http)
    actions.change_policy(world.tenant, by=SYSTEM, accent="#7a1f5c")
    page.goto(world.url("/login"))


def _invited(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/console/members"))
    page.locator("form[action$='/invite']").get_by_label("E-mail").fill("grace@elsewhere.example")
    page.get_by_role("button", name="Invite").click()
    page.get_by_role("heading", name="Invited").wait_for()


def _removing(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url(f"/console/members/{stage.lived_in.people['bob'].pk}/remove"))
    _again(page)
    page.get_by_role("button", name="Remove").wait_for()


def _removing_an_owner(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url(f"/console/members/{stage.lived_in.people['ada'].pk}/remove"))
    _again(page)
    page.get_by_label("Who takes over their agents").fill("nobody@elsewhere.example")
    page.get_by_role("button", name="Remove").click()
    page.get_by_text("Nobody who has a place here").wait_for()


def _ending_an_agent(stage: Stage, page: Page) -> None:
    _in_console("/end")(stage, page)
    _again(page)
    page.get_by_role("button", name="End").wait_for()


def _as_owner(path: str) -> Arrive:
    """Open a page of the console as somebody who has no role, and answers for an agent beside its owner."""

    def arrive(stage: Stage, page: Page) -> None:
        world, agent = stage.lived_in, stage.quiet.client.agent_id
        with context.use(world.tenant):
            CoOwner.objects.get_or_create(agent_id=agent, member=world.people["bob"])
        page.goto(world.url(path.format(agent=agent)))

    return arrive


def _again(page: Page) -> None:
    """Prove again that it is them, where the sign-in is some minutes old."""
    if "/login/again" in page.url:
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()


def _invitation(stage: Stage, page: Page) -> None:
    letters: list[str] = []
    world = stage.lived_in
    with context.use(world.tenant):
        members.invite(
            "linus@elsewhere.example", "auditor", by=world.people["ada"], tell=lambda _, secret: letters.append(secret)
        )
    page.goto(world.url(f"/invitation/{letters[0]}"))


def _issuer(path: str = "") -> Arrive:
    """Open the page of the issuer whose word something stands on."""

    def arrive(stage: Stage, page: Page) -> None:
        with context.use(stage.lived_in.tenant):
            issuer = TrustedIssuer.objects.get(issuer="https://accounts.subsidiary.example")
        page.goto(stage.lived_in.url(f"/console/trust/issuers/{issuer.pk}{path}"))

    return arrive


def _looked_at(stage: Stage, page: Page) -> None:
    """Look at an issuer whose keys are pasted, one of them for something else."""
    others = Foreign("https://idp.foreign.example").jwks["keys"]
    page.goto(stage.lived_in.url("/console/trust/add-issuer"))
    page.get_by_label("Issuer", exact=True).fill("https://idp.foreign.example")
    page.get_by_label("It says which agent acts here for which person").check()
    page.get_by_label("Where its keys come from").select_option("pasted")
    sealing = {**others[0], "kid": "for-sealing", "use": "enc"}
    page.get_by_label("Its public keys, where they are pasted").fill(json.dumps({"keys": [*others, sealing]}))
    page.get_by_role("button", name="Look at it first").click()
    page.get_by_role("heading", name="What it says of itself").wait_for()


def _platform(stage: Stage, page: Page) -> None:
    """Open the page of a platform that gives no keys."""
    with context.use(stage.lived_in.tenant):
        TrustedIssuer.objects.filter(name="Builds").update(keys_asked_at=timezone.now())
    page.goto(stage.lived_in.url("/console/trust"))
    page.get_by_role("link", name="Builds").first.click()
    page.get_by_text("Its keys cannot be had").wait_for()


def _audience(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/console/trust/audiences"))
    page.get_by_role("link", name="Partner").click()
    page.get_by_role("heading", name="Who is let across").wait_for()


def _tried(stage: Stage, page: Page) -> None:
    """Try what nobody signed whom the tenant believes."""
    page.goto(stage.lived_in.url("/console/trust/try"))
    page.get_by_label("Assertion").fill(Foreign("https://nobody.example").sign({"iss": "https://nobody.example"}))
    page.get_by_role("button", name="Try it").click()
    page.get_by_role("heading", name="It would be refused").wait_for()


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
    Sight("sign-in", at("/login")),
    Sight("sign-in-password", _second_step),
    Sight("sign-in-company", _second_step_with_a_company),
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
    Sight("login-coloured", _coloured),
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
    Sight("console-overview", at("/console"), "ada"),
    Sight("console-overview-empty", at_empty("/console"), "ada", is_empty=True),
    Sight("newcomer-answers", _asked_by_admins, "alice"),
    Sight("my-questions", at("/me/questions"), "alice"),
    Sight("my-questions-empty", at_empty("/me/questions"), "alice", is_empty=True),
    Sight("my-security", _signed_in_elsewhere, "bob"),
    Sight("my-security-ended", _ended_elsewhere, "bob"),
    Sight("my-mail", at("/me/notices"), "ada"),
    Sight("console-approvals-open", _everything_open, "ada"),
    Sight("console-approvals-flawed", _flawed_decision, "ada", status=422),
    Sight("console-ways-in", at("/console/ways-in"), "ada"),
    Sight("console-ways-in-token", _new_token, "ada"),
    Sight("console-approvals", at("/console/approvals"), "ada"),
    Sight("console-approvals-narrowed", at("/console/approvals?writes=true&q=planner"), "ada"),
    Sight("console-approvals-empty", at_empty("/console/approvals"), "ada", is_empty=True),
    Sight("console-agents", at("/console/agents"), "ada"),
    Sight("console-agents-empty", at_empty("/console/agents"), "ada", is_empty=True),
    Sight("console-agent-add", at("/console/agents/add"), "ada"),
    Sight("console-agent-add-flawed", _flawed_agent, "ada", status=422),
    Sight("console-document-add", _document_without_https, "ada", status=422),
    Sight("console-agent", _in_console(), "ada"),
    Sight("console-agent-chain", _planner, "ada"),
    Sight("console-agent-tokens", _tokens_of_planner, "ada"),
    Sight("console-agent-activity", _in_console("/activity"), "ada"),
    Sight("console-agent-end", _ending_an_agent, "ada"),
    Sight("owner-agents", _as_owner("/console/agents"), "bob"),
    Sight("owner-agent", _as_owner("/console/agents/{agent}"), "bob"),
    Sight("console-agent-owners", _in_console("/owners"), "ada"),
    Sight("console-agent-ceiling", _in_console("/ceiling"), "ada"),
    Sight("console-agent-handovers", _handovers_of_planner, "ada"),
    Sight("console-resource-behind", _behind_the_calendar, "ada"),
    Sight("console-client-switches", _open_switches, "ada"),
    Sight("console-client-platform", _in_console("/platform", is_client=True), "ada"),
    Sight("console-client", _in_console(is_client=True), "ada"),
    Sight("console-client-flawed", _flawed_client, "ada", status=422),
    Sight("console-delegations", at("/console/delegations"), "ada"),
    Sight("console-delegations-grouped", at("/console/delegations?group=agent"), "ada"),
    Sight("console-delegations-long-work", _long_work, "ada"),
    Sight("console-delegations-narrowed", at("/console/delegations?ends_before=soon&colour=red"), "ada"),
    Sight("console-delegations-saved", _saved_above, "ada"),
    Sight("my-views", _my_views, "ada"),
    Sight("my-views-not-saved", _view_not_saved, "ada", status=422),
    Sight("console-pause", at("/console/settings/pause"), "ada"),
    Sight("paused", _paused, "ada", is_empty=True, status=503),
    Sight("console-long-file", _long_file, "ada", is_empty=True, status=422),
    Sight("my-views-empty", at_empty("/me/views"), "ada", is_empty=True),
    Sight("console-delegation", _one_delegation, "ada"),
    Sight("console-delegation-less", _allow_less, "ada", status=400),
    Sight("console-delegation-allowed-less", _allowed_less, "ada"),
    Sight("console-delegations-empty", at_empty("/console/delegations"), "ada", is_empty=True),
    Sight("console-places", _console_places, "ada"),
    Sight("end-many", at("/console/delegations/end?q=planner"), "ada"),
    Sight("console-agents-ticked", at("/console/agents?ticked=page"), "ada"),
    Sight("many-agents", _many_agents, "ada"),
    Sight("job", _job, "ada"),
    Sight("jobs", at("/console/jobs"), "ada"),
    Sight("jobs-empty", at_empty("/console/jobs"), "ada", is_empty=True),
    Sight("check", at("/console/check"), "ada"),
    Sight("check-refused", _checked, "ada"),
    Sight("why", _why, "ada"),
    Sight("why-mine", _why, "alice"),
    Sight("console-keys", _keys, "ada"),
    Sight("console-key-leaked", _key_leaked, "ada"),
    Sight("console-resources", at("/console/resources"), "ada"),
    Sight("console-resource", _resource, "ada"),
    Sight("console-resource-test", _probe, "ada"),
    Sight("console-resource-add", at("/console/resources/add"), "ada"),
    Sight("console-scope", _scope, "ada"),
    Sight("console-trust", at("/console/trust"), "ada"),
    Sight("console-trust-empty", at_empty("/console/trust"), "ada", is_empty=True),
    Sight("console-audiences", at("/console/trust/audiences"), "ada"),
    Sight("console-audiences-empty", at_empty("/console/trust/audiences"), "ada", is_empty=True),
    Sight("console-issuer", _issuer(), "ada"),
    Sight("console-issuer-off", _issuer("/off"), "ada"),
    Sight("console-platform", _platform, "ada"),
    Sight("console-issuer-add", at("/console/trust/add-issuer"), "ada"),
    Sight("console-issuer-looked-at", _looked_at, "ada"),
    Sight("console-audience", _audience, "ada"),
    Sight("console-try", _tried, "ada"),
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
    Sight("invitation", _invitation),
    Sight("console-forbidden", at("/console/agents"), "alice", status=403),
    Sight("not-found", at("/nothing-here"), "alice", status=404),
    Sight("not-found-outside", _outside("/t/no-such-tenant-here/login"), status=404),
    Sight("forged-form", _forged_form, status=403),
    Sight("welcome", _outside("/")),
)
