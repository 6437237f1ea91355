"""A tenant of a test's own: people, resource servers, agents, and what one does with them over HTTP."""

import base64
import functools
import hashlib
import itertools
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from django.contrib.auth.hashers import make_password
from django.db.models import Model

from agents import actions as agent_actions
from agents import handovers
from agents.models import Client
from agents.registration import metadata
from audit.models import Entry
from audit.principals import SYSTEM
from delegations import actions as delegation_actions
from delegations.models import Delegation
from kit import context, opaque
from kit.oauth import GrantType, TokenType
from tenants import actions as tenant_actions
from tenants.actions import ScopeWords
from tenants.models import Membership, ResourceServer, Tenant, User
from tests.harness import signing_in
from tests.harness.browser import Browser, answer
from tokens.models import AuthorizationCode, RefreshToken
from tokens.opening import open_tenant

PASSWORD = "a long and quiet password"
REDIRECT = "http://127.0.0.1/callback"
CALENDAR_SCOPES = (
    ScopeWords("events:read", "Read your calendar", "Every event", is_default=True, is_needed=True),
    ScopeWords("events:write", "Change your calendar", "Creates and cancels events", is_writing=True),
    ScopeWords("contacts:read", "See who you meet", "Names in events"),
)
NOTES_SCOPES = (
    ScopeWords("notes:read", "Read your notes", is_default=True, is_needed=True),
    ScopeWords("notes:write", "Write notes", is_writing=True),
)


@functools.cache
def hashed_password() -> str:
    return make_password(PASSWORD)


def pkce() -> tuple[str, str]:
    """Return a verifier and its S256 challenge (RFC 7636 §4.2)."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def claims(token: str) -> dict[str, Any]:
    """Return the claims of a JWT without checking anything."""
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


@dataclass
class Credentials:
    """A client as its owner knows it; `secret` is empty for a public one."""

    client: Client
    secret: str = ""

    @property
    def id(self) -> str:
        return str(self.client.client_id)

    @property
    def basic(self) -> tuple[str, str] | None:
        return (self.id, self.secret) if self.secret else None


@dataclass
class World:
    """One tenant and what stands in it. `http` speaks to the live server."""

    tenant: Tenant
    origin: str
    http: httpx.Client
    people: dict[str, Membership] = field(default_factory=dict)
    calendar: ResourceServer = None  # type: ignore[assignment]
    notes: ResourceServer = None  # type: ignore[assignment]
    browsers: list[Browser] = field(default_factory=list)
    reader: Credentials | None = None

    def close(self) -> None:
        for browser in self.browsers:
            browser.http.close()

    # --- places
    def url(self, path: str) -> str:
        return f"{self.tenant.issuer}{path}"

    def email(self, name: str) -> str:
        return self.people[name].user.email

    # --- clients
    def public_client(self, name: str = "Scout", **document: Any) -> Credentials:
        """Register an agent by itself, as `none`."""
        base = {
            "client_name": name,
            "redirect_uris": [REDIRECT],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        }
        with context.use(self.tenant):
            client, secret = agent_actions.register_dynamically(metadata.parse({**base, **document}))
        return Credentials(client, secret)

    def secret_client(self, name: str = "Ledger", **document: Any) -> Credentials:
        """Register an agent by itself, with a secret."""
        return self.public_client(name, token_endpoint_auth_method="client_secret_basic", **document)

    def worker(self, scopes: str = "events:read", server: ResourceServer | None = None, **fields: Any) -> Credentials:
        """Make an agent that acts for itself, as an admin allowed it."""
        with context.use(self.tenant):
            client, secret = agent_actions.register_agent("Worker", by=SYSTEM, **fields)
            client = Client.objects.select_related("agent").get(pk=client.pk)
            delegation_actions.allow_agent(client, server or self.calendar, frozenset(scopes.split()), by=SYSTEM)
        return Credentials(client, secret)

    def introspector(self, server: ResourceServer | None = None) -> Credentials:
        with context.use(self.tenant):
            client, secret = agent_actions.register_introspector(server or self.calendar, by=SYSTEM)
        return Credentials(client, secret)

    # --- a person decides
    def browser(self, name: str = "") -> Browser:
        """Return a browser; with a name, that person is signed in."""
        browser = Browser(self.origin)
        self.browsers.append(browser)
        if name:
            signing_in.enter(browser, self.tenant, self.people[name].user, PASSWORD)
        return browser

    def authorize_url(self, who: Credentials, challenge: str, **changes: Any) -> str:
        """Return an authorization request; a change to None leaves the parameter out, a list repeats it."""
        parameters: dict[str, Any] = {
            "response_type": "code",
            "client_id": who.id,
            "redirect_uri": REDIRECT,
            "scope": "events:read",
            "state": "the-state",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "resource": self.calendar.identifier,
        }
        parameters |= changes
        present = {name: value for name, value in parameters.items() if value is not None}
        return f"{self.url('/authorize')}?{urlencode(present, doseq=True)}"

    def ask(self, who: Credentials, person: str = "", **changes: Any) -> Browser:
        """Return a browser that opened an authorization request; without a person nobody is signed in."""
        browser = self.browser(person)
        browser.go(self.authorize_url(who, changes.pop("challenge", pkce()[1]), **changes))
        return browser

    def code(
        self,
        who: Credentials,
        person: str = "alice",
        *,
        duration: str = "week",
        tick: list[str] | None = None,
        **changes: Any,
    ) -> tuple[str, str]:
        """Return a code and its verifier, after the person allowed the request on the page."""
        verifier, challenge = pkce()
        browser = self.browser(person)
        browser.go(self.authorize_url(who, challenge, **changes))
        if browser.page is not None and browser.page.status_code != 303:
            fill: dict[str, Any] = {"duration": duration}
            if tick is not None:
                fill["scope"] = tick
            browser.decide(**fill)
        return answer(browser.page)["code"], verifier

    def redeem(self, who: Credentials, code: str, verifier: str, **changes: Any) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": verifier,
            "client_id": who.id,
        }
        return self.token(who, {**form, **changes})

    def grant(self, who: Credentials, person: str = "alice", **options: Any) -> dict[str, Any]:
        """Return the token set of a fresh consent."""
        code, verifier = self.code(who, person, **options)
        response = self.redeem(who, code, verifier)
        assert response.status_code == 200, response.text
        return dict(response.json())

    # --- protocol
    def token(self, who: Credentials, form: dict[str, Any]) -> httpx.Response:
        """POST to /token as this client; a field set to None is left out."""
        present = {name: value for name, value in form.items() if value is not None}
        if not who.secret:
            present.setdefault("client_id", who.id)
        return self.http.post(self.url("/token"), data=present, auth=who.basic)

    def refresh(self, who: Credentials, refresh_token: str, **changes: Any) -> httpx.Response:
        return self.token(who, {"grant_type": "refresh_token", "refresh_token": refresh_token, **changes})

    def own_token(self, who: Credentials, **changes: Any) -> httpx.Response:
        form = {"grant_type": "client_credentials", "resource": self.calendar.identifier, "scope": "events:read"}
        return self.token(who, {**form, **changes})

    def own_api_token(self, who: Credentials, scopes: str = "self:read delegations:read delegations:end") -> str:
        """Return an agent's own token for the API of this product, which an admin allows it first."""
        with context.use(self.tenant):
            client = Client.objects.select_related("agent").get(pk=who.client.pk)
            api = ResourceServer.objects.get(identifier=self.tenant.api_identifier)
            delegation_actions.allow_agent(client, api, frozenset(scopes.split()), by=SYSTEM)
        response = self.own_token(who, resource=self.tenant.api_identifier, scope=scopes)
        assert response.status_code == 200, response.text
        return str(response.json()["access_token"])

    def introspect(self, who: Credentials, token: str) -> dict[str, Any]:
        response = self.http.post(self.url("/introspect"), data={"token": token}, auth=who.basic)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def revoke(self, who: Credentials, token: str, **changes: Any) -> httpx.Response:
        """POST to /revoke as this client."""
        form = {"token": token, **changes, **({} if who.secret else {"client_id": who.id})}
        return self.http.post(self.url("/revoke"), data=form, auth=who.basic)

    def is_active(self, token: str) -> bool:
        """Say what the calendar learns of an access token."""
        if self.reader is None:
            self.reader = self.introspector()
        return bool(self.introspect(self.reader, token)["active"])

    # --- agents that work for each other
    def helper(self, name: str = "Summariser", **fields: Any) -> Credentials:
        """Make an agent that exchanges what others hand it."""
        grants = fields.pop("grant_types", (GrantType.TOKEN_EXCHANGE, GrantType.CLIENT_CREDENTIALS))
        with context.use(self.tenant):
            client, secret = agent_actions.register_agent(name, by=SYSTEM, grant_types=grants, **fields)
        return Credentials(client, secret)

    def let_hand_on(self, *chain: Credentials) -> None:
        """Let each of these hand part of its authority to the one after it."""
        with context.use(self.tenant):
            for one, other in itertools.pairwise(chain):
                handovers.allow_handover(one.client.agent, other.client.agent, by=SYSTEM)

    def exchange(self, who: Credentials, token: str, **changes: Any) -> httpx.Response:
        """Exchange an access token as this client."""
        form = {
            "grant_type": GrantType.TOKEN_EXCHANGE.value,
            "subject_token": token,
            "subject_token_type": TokenType.ACCESS_TOKEN.value,
        }
        return self.token(who, {**form, **changes})

    # --- looking behind
    def stored_code(self, code: str) -> AuthorizationCode:
        with context.use(self.tenant):
            return AuthorizationCode.objects.get(code=opaque.digest(code))

    def family(self, refresh_token: str) -> RefreshToken:
        with context.use(self.tenant):
            return RefreshToken.objects.get(pk=refresh_token.partition(".")[0])

    def rewrite(self, row: Model, **fields: Any) -> None:
        """Change a row behind the product's back: the way to another moment without waiting for it."""
        with context.use(self.tenant):
            type(row).objects.filter(pk=row.pk).update(**fields)

    def delegations(self) -> list[Delegation]:
        with context.use(self.tenant):
            return list(Delegation.objects.all().order_by("pk"))

    def entries(self, event: str = "") -> list[Entry]:
        with context.use(self.tenant):
            found = Entry.objects.all().order_by("pk")
            return list(found.filter(event=event) if event else found)


def make(origin: str, http: httpx.Client, *, slug: str = "") -> World:
    """Open a tenant with alice, bob and ada (admin), a calendar and a notes server; registration is open."""
    slug = slug or f"t-{secrets.token_hex(6)}"
    tenant = open_tenant(slug, slug.title(), by=SYSTEM)
    tenant = tenant_actions.change_policy(
        tenant, by=SYSTEM, registration="open", documents="open", device_codes="anywhere"
    )
    world = World(tenant, origin, http)
    with context.use(tenant):
        for name, role in (("alice", "member"), ("bob", "member"), ("ada", "admin")):
            user = User.objects.create(email=f"{name}@{slug}.example", name=name.title(), password=hashed_password())
            world.people[name] = tenant_actions.add_member(user, role, by=SYSTEM)
        world.calendar = tenant_actions.add_resource_server(
            f"https://calendar.{slug}.example/mcp", "Calendar", CALENDAR_SCOPES, by=SYSTEM
        )
        world.notes = tenant_actions.add_resource_server(
            f"https://notes.{slug}.example/mcp", "Notes", NOTES_SCOPES, by=SYSTEM
        )
    return world
