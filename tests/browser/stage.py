"""Two tenants as pages show them, one lived in and one empty, and browser windows of their people."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from django.utils import timezone
from playwright.sync_api import Browser, Page

from agents import across, admission, switches
from agents import actions as agent_actions
from agents.models import Approval, Client
from audit import ledger
from audit.events import Event
from audit.principals import SYSTEM, Kind, Principal
from delegations import actions as delegation_actions
from delegations.models import Delegation
from kit import context
from kit.oauth import GrantType
from notices import ending
from notices.models import Delivery
from notices.webhooks import actions as webhooks
from tenants import actions as tenant_actions
from tests.harness import deferral, device, many
from tests.harness.device import Device
from tests.harness.domains import Foreign, trust_foreign
from tests.harness.world import PASSWORD, REDIRECT, Credentials, World, make, pkce
from tokens import stops
from trust import actions as trust_actions

LONG_NAME = "Quartalsabschlussbuchungsvorbereitungsassistentenprogramm mit einem recht langen Namen dahinter"


@dataclass
class Stage:
    """The tenants, and one session per person for all windows."""

    lived_in: World
    empty: World
    back: str
    chromium: Browser = field(init=False)
    """Which browser opens the windows: one kind looks at pages, another follows redirects and keys."""
    planner: Credentials = None  # type: ignore[assignment]
    reader: Credentials = None  # type: ignore[assignment]
    quiet: Credentials = None  # type: ignore[assignment]
    newcomer: Credentials = None  # type: ignore[assignment]
    refused: str = ""
    """The entry of a request in alice's name that was refused."""
    sessions: dict[tuple[str, str], Any] = field(default_factory=dict)

    def window(self, person: str = "", world: World | None = None, **options: Any) -> Page:
        """Return a fresh window; with a person, it is signed in."""
        state = self._session(person, world or self.lived_in) if person else None
        return self.chromium.new_context(storage_state=state, **options).new_page()

    def request_url(self, who: Credentials, **changes: Any) -> str:
        """Return an authorization request that comes back to a listener of ours."""
        return self.lived_in.authorize_url(who, pkce()[1], **{"redirect_uri": self.back, **changes})

    def device(self, **changes: Any) -> Device:
        """Start a request of a device in the tenant lived in."""
        who = device.agent(self.lived_in, client_name="Terminal agent", client_uri="https://terminal.example/about")
        return device.start(self.lived_in, who, **{"scope": "events:read events:write contacts:read", **changes})

    def _session(self, person: str, world: World) -> Any:
        key = (world.tenant.slug, person)
        if key not in self.sessions:
            page = self.chromium.new_context().new_page()
            page.goto(world.url("/login"))
            sign_in(page, world.email(person))
            page.wait_for_url("**/me/agents")
            self.sessions[key] = page.context.storage_state()
            page.context.close()
        return self.sessions[key]


def say_who(page: Page, email: str) -> None:
    """Go through the first step of the sign-in page that is open."""
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("button", name="Go on", exact=True).click()


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Go through both steps of the sign-in page that is open."""
    say_who(page, email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def build(origin: str, http: httpx.Client, back: str) -> Stage:
    """Open both tenants, and let people and agents live in one."""
    stage = Stage(make(origin, http), make(origin, http), back)
    world = stage.lived_in
    stage.planner = world.public_client("Travel planner", client_uri="https://travel.example/about")
    stage.reader = world.public_client("Inbox reader")
    helper = world.helper("Room finder")
    world.let_hand_on(stage.planner, helper)
    impersonator = world.helper("Old gateway")
    with context.use(world.tenant):
        switches.set_exchange_actor(impersonator.client, Client.ExchangeActor.NONE, by=SYSTEM)
    world.grant(stage.reader)
    granted = world.grant(stage.planner, scope="events:read events:write", tick=_everything(world))
    assert world.exchange(helper, granted["access_token"], scope="events:read").status_code == 200
    elsewhere = {"resource": world.notes.identifier, "scope": "notes:read"}
    assert world.exchange(helper, granted["access_token"], **elsewhere).status_code == 400
    world.rewrite(stage.planner.client.agent, purpose="Books rooms and trains for meetings, and asks before it pays.")
    assert world.refresh(stage.planner, granted["refresh_token"], scope="contacts:read").status_code == 400
    stage.refused = world.entries("token.refused")[-1].pk
    notes = world.notes.identifier
    stage.quiet = _in_house(world)
    world.grant(stage.quiet, scope="notes:read notes:write", resource=notes, tick=_everything(world))
    _near_its_end(world, stage.quiet)
    world.code(world.public_client(LONG_NAME), scope="events:read contacts:read", duration="month")
    world.code(world.public_client("Forgotten helper"), scope="notes:write", resource=notes, tick=_everything(world))
    world.grant(stage.planner, "bob")
    deferral.more(world, world.worker(), "events:read events:write contacts:read")
    _end_some(world)
    _end_many(world)
    _tell_others(world)
    stage.newcomer = _newcomer(world)
    _trust(world, stage.planner)
    return stage


def _near_its_end(world: World, who: Credentials) -> None:
    """Let what somebody allowed be six days old, and end tomorrow."""
    now = timezone.now()
    (latest,) = [each for each in world.delegations() if each.client_id == who.client.pk]
    world.rewrite(latest, created_at=now - timedelta(days=6), expires_at=now + timedelta(days=1))


def _trust(world: World, client: Credentials) -> None:
    """Trust a sister company, a platform and a place to sign in; and let an agent across to another server."""
    foreign, there = Foreign("https://accounts.subsidiary.example"), "https://rooms.partner.example/mcp"
    name = f"{LONG_NAME[:80]} \u202egnp.exe"
    named = trust_foreign(world, foreign, name=name, mappings=["email"], email_domains=["subsidiary.example"])
    with context.use(world.tenant):
        Delegation.objects.filter(agent__name="Inbox reader").update(issuer=named)
        builds, source = "https://token.builds.example", {"key_source": "metadata", "algorithms": ["RS256"]}
        trust_actions.trust_issuer(builds, by=SYSTEM, name="Builds", purposes=["workload", "federation"], **source)
        trust_actions.trust_issuer("https://login.example", by=SYSTEM, name="Login", purposes=["sign_in"], **source)
        audience = trust_actions.add_audience(
            "https://login.partner.example", by=SYSTEM, name="Partner", resources={there: ["read", "book"]}
        )
        across.name_elsewhere(client.client, audience, "travel-planner-of-acme", by=SYSTEM)
        stops.allow_across(client.client, audience, there, ["read"], by=SYSTEM, members=[world.people["alice"]])


def _end_many(world: World) -> None:
    """End access of two people at once, at another's hand."""
    many.delegations(world, 2)
    with context.use(world.tenant):
        ending.end_all(
            Delegation.objects.filter(agent__name="Crowd worker"),
            selection={"q": "Crowd worker"},
            reason="The pilot is over.",
            expected=2,
            member=world.people["ada"],
            by=Principal(Kind.USER, world.people["ada"].pk, "Ada"),
        )


def _tell_others(world: World) -> None:
    """Let two programs be told: one took some and missed some, one was switched off."""
    now = timezone.now()
    taken, refused = ({"at": now.isoformat(), "status": code, "milliseconds": 86} for code in (200, 503))
    silent = {"at": now.isoformat(), "status": 0, "milliseconds": 5004}
    with context.use(world.tenant):
        webhook, _ = webhooks.add_webhook(
            "https://hooks.example.com/remit",
            ["agent.*", "delegation.*", "job.finished"],
            by=SYSTEM,
            description="Pager",
        )
        off, _ = webhooks.add_webhook(f"https://{'long-' * 9}name.example.com/", ["approval.*"], by=SYSTEM)
        webhooks.change_webhook(off, by=SYSTEM, is_on=False)
        for event, state, tries in (
            ("agent.suspended", "delivered", [taken]),
            ("delegation.ended", "given_up", [refused] * 8 + [silent]),
            ("agent.owner_followed", "waiting", [silent]),
        ):
            entry = ledger.record(Event(event), by=SYSTEM)
            Delivery.objects.create(
                webhook=webhook, entry_id=entry.pk, event=event, state=state, tries=tries, attempts=len(tries),
                last_attempt=9, next_try_at=now + timedelta(hours=1),
            )  # fmt: skip


def _newcomer(world: World) -> Credentials:
    """Let an agent arrive that nobody approved, and two people ask for it; another one was denied."""
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="admission")
    denied, newcomer = world.public_client("Coupon hunter"), world.public_client("Trave1 planner")
    for person, reason in (("alice", "It books the train for the offsite"), ("bob", "")):
        browser = world.ask(newcomer, person, scope="events:read events:write")
        browser.submit(browser.form("/authorize/waiting/"), {"reason": reason})
    with context.use(world.tenant):
        question = Approval.objects.get(agent=denied.client.agent_id)
        admission.deny(question, by=world.people["ada"], reason="We buy through procurement.")
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="open", environment="production")
    return newcomer


def _in_house(world: World) -> Credentials:
    with context.use(world.tenant):
        client, secret = agent_actions.register_agent(
            "Minutes keeper",
            by=SYSTEM,
            owner=world.people["ada"],
            redirect_uris=(REDIRECT, "https://minutes.example/back"),
            grant_types=(GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN),
        )
    return Credentials(client, secret)


def _everything(world: World) -> list[str]:
    return [
        f"{server.pk} {scope}"
        for server, scopes in (
            (world.calendar, ("events:read", "events:write", "contacts:read")),
            (world.notes, ("notes:read", "notes:write")),
        )
        for scope in scopes
    ]


def _end_some(world: World) -> None:
    """End one access by the person's own hand, and one by an admin's."""
    for name, by in (("Old scheduler", "alice"), ("Contractor bot", "")):
        client = world.public_client(name)
        world.grant(client, scope="events:read contacts:read")
        browser = world.browser("alice")
        (latest,) = [each for each in world.delegations() if each.client_id == client.client.pk]
        if by:
            browser.go(world.url("/me/agents"))
            browser.submit(browser.form(f"/{latest.pk}/end"))
        else:
            with context.use(world.tenant):
                delegation_actions.revoke(latest, by=SYSTEM, reason="the contract is over")
                agent_actions.suspend_agent(client.client.agent, by=SYSTEM, reason="the contract is over")
