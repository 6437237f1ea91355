"""Agents in a row: a person lets the first do something, and each hands part of it to the next."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from audit.events import Event
from audit.principals import SYSTEM
from delegations.models import Delegation
from kit import context
from kit.oauth import GrantType
from tenants import actions as tenant_actions
from tenants.actions import ScopeWords
from tenants.models import ResourceServer
from tests.harness.footprint import leaves_only
from tests.harness.wire import assert_refused
from tests.harness.world import REDIRECT, Credentials, World
from tokens import keys

SCOPES = "events:read contacts:read"
ASKS_AND_EXCHANGES = (
    GrantType.AUTHORIZATION_CODE,
    GrantType.REFRESH_TOKEN,
    GrantType.TOKEN_EXCHANGE,
    GrantType.CLIENT_CREDENTIALS,
)


@dataclass
class Chain:
    """Agents of which each may hand on to the next, and what they hold so far; `granted` is the first one's consent."""

    world: World
    agents: list[Credentials]
    granted: dict[str, Any]
    tokens: list[str] = field(default_factory=list)

    @property
    def holder(self) -> Credentials:
        """The one that holds the last token."""
        return self.agents[len(self.tokens) - 1]

    def hand_on(self, **changes: Any) -> httpx.Response:
        """Let the agent after the holder exchange the last token, and keep what it gets."""
        response = self.world.exchange(self.agents[len(self.tokens)], self.tokens[-1], **changes)
        assert response.status_code == 200, response.text
        self.tokens.append(response.json()["access_token"])
        return response

    def delegation(self, place: int) -> Delegation:
        """Return the newest delegation of an agent of the chain."""
        agent_id = self.agents[place].client.agent_id
        return next(each for each in reversed(self.world.delegations()) if each.agent_id == agent_id)


def make(world: World, hops: int = 1, *, named: Sequence[Credentials] = (), **consent: Any) -> Chain:
    """Make a chain of which nothing is handed on yet: alice lets the first agent see events and contacts.

    `named` are helpers of the first agent beside the one that comes next.
    """
    agents = [asker(world), *(world.helper(f"Helper {number}") for number in range(1, hops + 1))]
    world.let_hand_on(*agents)
    for each in named:
        world.let_hand_on(agents[0], each)
    granted = allow(world, agents[0], **consent)
    return Chain(world, agents, granted, [granted["access_token"]])


def handed_on(world: World, hops: int, **consent: Any) -> Chain:
    """Make a chain in which every agent holds its part."""
    chain = make(world, hops, **consent)
    for _ in range(hops):
        chain.hand_on()
    return chain


def asker(world: World, name: str = "Planner", **fields: Any) -> Credentials:
    """Make an agent with a secret that asks people, and exchanges what they let it do."""
    return world.helper(name, **{"grant_types": ASKS_AND_EXCHANGES, "redirect_uris": (REDIRECT,), **fields})


def allow(
    world: World, who: Credentials, *, server: ResourceServer | None = None, scope: str = SCOPES, **options: Any
) -> dict[str, Any]:
    """Return the token set of a consent to all these scopes at a resource server; the calendar, unless one is given."""
    at = server or world.calendar
    ticked = [f"{at.pk} {each}" for each in scope.split()]
    return world.grant(who, **{"resource": at.identifier, "scope": scope, "tick": ticked, **options})


def acting(world: World, *agents: Credentials) -> dict[str, Any]:
    """Return `act` as it must be where the last of these agents acts now, for the one before it (RFC 8693 §4.1)."""
    found: dict[str, Any] = {}
    for who in agents:
        own = {"iss": world.tenant.issuer, "sub": who.client.agent_id, "sub_profile": "ai_agent"}
        found = {**own, **({"act": found} if found else {})}
    return found


def signed(world: World, body: dict[str, Any], *, typ: str = "at+jwt", algorithm: str = "ES256") -> str:
    """Sign claims with the tenant's own key: a token that only we could have made. None leaves a claim out."""
    present = {name: value for name, value in body.items() if value is not None}
    with context.use(world.tenant):
        return keys.sign(present, typ=typ, algorithm=algorithm)


def add_server(world: World, name: str, *scopes: str, **fields: Any) -> ResourceServer:
    """Register a further resource server."""
    identifier = f"https://{name}.{world.tenant.slug}.example/mcp"
    words = [ScopeWords(each, each.replace(":", " ").title()) for each in scopes]
    with context.use(world.tenant):
        return tenant_actions.add_resource_server(identifier, name.title(), words, by=SYSTEM, **fields)


def assert_refuses(
    world: World, ask: Callable[[], httpx.Response], code: str = "invalid_request", *, page: str = ""
) -> str:
    """Assert that a request is refused by this code and leaves one entry with a reason; return the reason.

    `page` is where it says who could allow it (`wire.assert_refused`).
    """
    with leaves_only(world, Event.TOKEN_REFUSED):
        answer = ask()
    assert_refused(answer, code, page=page)
    entry = max(world.entries(Event.TOKEN_REFUSED), key=lambda each: each.at)
    assert entry.detail["error"] == code
    assert entry.reason
    return str(entry.reason)
