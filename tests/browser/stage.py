"""Two tenants as pages show them, one lived in and one empty, and browser windows of their people."""

from dataclasses import dataclass, field
from typing import Any

import httpx
from playwright.sync_api import Browser, Page

from agents import actions as agent_actions
from agents import handovers
from agents.models import Client
from audit.principals import SYSTEM
from delegations import actions as delegation_actions
from kit import context
from kit.oauth import GrantType
from tests.harness.world import PASSWORD, REDIRECT, Credentials, World, make, pkce

LONG_NAME = "Quartalsabschlussbuchungsvorbereitungsassistentenprogramm mit einem recht langen Namen dahinter"


@dataclass
class Stage:
    """The tenants, and one session per person for all windows."""

    lived_in: World
    empty: World
    chromium: Browser
    back: str
    planner: Credentials = None  # type: ignore[assignment]
    reader: Credentials = None  # type: ignore[assignment]
    quiet: Credentials = None  # type: ignore[assignment]
    sessions: dict[tuple[str, str], Any] = field(default_factory=dict)

    def window(self, person: str = "", world: World | None = None, **options: Any) -> Page:
        """Return a fresh window; with a person, it is signed in."""
        state = self._session(person, world or self.lived_in) if person else None
        return self.chromium.new_context(storage_state=state, **options).new_page()

    def request_url(self, who: Credentials, **changes: Any) -> str:
        """Return an authorization request that comes back to a listener of ours."""
        return self.lived_in.authorize_url(who, pkce()[1], **{"redirect_uri": self.back, **changes})

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


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Fill in the sign-in page that is open."""
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def build(origin: str, http: httpx.Client, chromium: Browser, back: str) -> Stage:
    """Open both tenants, and let people and agents live in one."""
    stage = Stage(make(origin, http), make(origin, http), chromium, back)
    world = stage.lived_in
    stage.planner = world.public_client("Travel planner", client_uri="https://travel.example/about")
    stage.reader = world.public_client("Inbox reader")
    helper = world.helper("Room finder")
    world.let_hand_on(stage.planner, helper)
    impersonator = world.helper("Old gateway")
    with context.use(world.tenant):
        handovers.set_exchange_actor(impersonator.client, Client.ExchangeActor.NONE, by=SYSTEM)
    world.grant(stage.reader)
    granted = world.grant(stage.planner, scope="events:read events:write", tick=_everything(world))
    assert world.exchange(helper, granted["access_token"], scope="events:read").status_code == 200
    notes = world.notes.identifier
    stage.quiet = _in_house(world)
    world.grant(stage.quiet, scope="notes:read notes:write", resource=notes, tick=_everything(world))
    world.code(world.public_client(LONG_NAME), scope="events:read contacts:read", duration="month")
    world.code(world.public_client("Forgotten helper"), scope="notes:write", resource=notes, tick=_everything(world))
    world.grant(stage.planner, "bob")
    world.worker()
    _end_some(world)
    return stage


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
