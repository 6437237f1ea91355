"""Two domains: acme, whose people and agents cross, and globex, whose resource they reach; and a foreign issuer."""

import base64
import functools
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from django.conf import settings
from joserfc import jwk, jwt

from agents import across
from agents import actions as agent_actions
from agents.models import AssertionRule
from audit.principals import SYSTEM
from delegations.models import Delegation
from kit import context
from kit.oauth import GrantType, TokenType
from tests.harness import chain
from tests.harness.world import Credentials, World
from trust import actions as trust_actions
from trust.models import Audience, TrustedIssuer

SCOPES = ["events:read", "events:write"]
ID_JAG_TYP = "oauth-id-jag+jwt"
CROSSES = (*chain.ASKS_AND_EXCHANGES, GrantType.JWT_BEARER)


@functools.cache
def a_key(kid: str = "f1") -> Any:
    """Return an RSA key of somebody else's; making one takes longer than a test."""
    return jwk.generate_key("RSA", 2048, {"kid": kid}, private=True)


@dataclass
class Foreign:
    """An issuer that is not ours, written with another JOSE library; `url` is its identifier."""

    url: str = "https://idp.foreign.example"
    key: Any = field(default_factory=a_key)
    algorithm: str = "RS256"

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [{**self.key.as_dict(private=False), "alg": self.algorithm, "use": "sig"}]}

    def sign(self, body: dict[str, Any], **header: Any) -> str:
        """Sign claims; a claim or header member that is None is left out."""
        head = {"alg": self.algorithm, "kid": self.key.kid, **header}
        present = {name: value for name, value in body.items() if value is not None}
        kept = {name: value for name, value in head.items() if value is not None}
        return str(jwt.encode(kept, present, self.key, algorithms=[self.algorithm]))

    def sign_by_hand(self, body: dict[str, Any], **header: Any) -> str:
        """Sign under a header that no library would write, with an RSA key; None leaves a member out."""
        head = {"alg": self.algorithm, "kid": self.key.kid, "typ": ID_JAG_TYP, **header}
        kept = {name: value for name, value in head.items() if value is not None}
        message = ".".join(part(json.dumps(each).encode()) for each in (kept, body))
        return f"{message}.{part(self.key.private_key.sign(message.encode(), PKCS1v15(), SHA256()))}"

    def grant(self, world: World, who: Credentials, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """Return an ID-JAG for a client of a tenant; a change to None leaves a claim out."""
        return self.sign(self.claims(world, who, **changes), **{"typ": ID_JAG_TYP, **(header or {})})

    def claims(self, world: World, who: Credentials, **changes: Any) -> dict[str, Any]:
        """Return what an ID-JAG says."""
        now = int(time.time())
        return {
            "iss": self.url, "sub": "f-alice", "aud": world.tenant.issuer, "client_id": who.id,
            "jti": str(uuid.uuid4()), "iat": now, "exp": now + 120,
            "resource": world.calendar.identifier, "scope": "events:read",
        } | changes  # fmt: skip


def part(raw: bytes) -> str:
    """Return bytes as a part of a JWT."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def trust_foreign(world: World, foreign: Foreign, **fields: Any) -> TrustedIssuer:
    """Let a tenant believe a foreign issuer about people, by its pasted keys; alice is its `f-alice`."""
    words = {
        "key_source": "pasted",
        "jwks": foreign.jwks,
        "purposes": ["id_jag"],
        "resources": {world.calendar.identifier: SCOPES},
        "any_client": True,
    }
    with context.use(world.tenant):
        made = trust_actions.trust_issuer(foreign.url, by=SYSTEM, **{**words, **fields})
        if "id_jag" in made.purposes:
            trust_actions.link_subject(made, "f-alice", world.people["alice"], by=SYSTEM, how="admin")
    return made


def presenter(world: World, name: str = "Scout there", **fields: Any) -> Credentials:
    """Make an agent with a secret that presents assertions, and exchanges what they buy."""
    with context.use(world.tenant):
        client, secret = agent_actions.register_agent(name, by=SYSTEM, **{"grant_types": CROSSES, **fields})
    return Credentials(client, secret)


def present(world: World, who: Credentials, assertion: str, **changes: Any) -> httpx.Response:
    """POST an assertion to /token as this client."""
    form = {"grant_type": GrantType.JWT_BEARER.value, "assertion": assertion, **changes}
    return world.token(who, form)


def wait() -> None:
    """Wait until no process keeps anything that is older than now: what is allowed again is served again by then."""
    time.sleep(settings.CACHE_SECONDS + 0.2)


def refuses(world: World, ask: Callable[[], httpx.Response], code: str = "invalid_grant", *, of: str) -> str:
    """Assert that a request is refused as `chain.assert_refuses` says, and that the ledger keeps no part of a token."""
    reason = chain.assert_refuses(world, ask, code)
    told = json.dumps([[each.reason, each.about_label, each.detail] for each in world.entries()])
    assert not [part for part in of.split(".")[1:] if len(part) > 16 and part[:40] in told]
    return reason


@dataclass
class Domains:
    """Acme's agent, by the name `there` at globex, and what it holds of alice at acme."""

    acme: World
    globex: World
    here: Credentials
    there: Credentials
    audience: Audience
    trusted: TrustedIssuer
    granted: dict[str, Any]

    def form(self, **changes: Any) -> dict[str, Any]:
        """Return the request for a grant for globex's calendar."""
        form = {
            "grant_type": GrantType.TOKEN_EXCHANGE.value,
            "requested_token_type": TokenType.ID_JAG.value,
            "audience": self.globex.tenant.issuer,
            "resource": self.globex.calendar.identifier,
            "scope": "events:read",
            "subject_token": self.granted["id_token"],
            "subject_token_type": TokenType.ID_TOKEN.value,
        }
        return {**form, **changes}

    def request(self, **changes: Any) -> httpx.Response:
        """Ask acme for it."""
        return self.acme.token(self.here, self.form(**changes))

    def grant(self, **changes: Any) -> str:
        """Return a grant of acme."""
        response = self.request(**changes)
        assert response.status_code == 200, response.text
        return str(response.json()["access_token"])

    def refuses(self, code: str, **changes: Any) -> str:
        """Assert that acme refuses to make a grant, and return the reason."""
        token = str(changes.get("subject_token") or self.granted["id_token"])
        return refuses(self.acme, lambda: self.request(**changes), code, of=token)

    def refuses_to_redeem(self, assertion: str, code: str = "invalid_grant", **changes: Any) -> str:
        """Assert that globex refuses a grant, and return the reason."""
        return refuses(self.globex, lambda: self.redeem(assertion, **changes), code, of=assertion)

    @property
    def rule(self) -> AssertionRule:
        with context.use(self.acme.tenant):
            return AssertionRule.objects.get(client=self.here.client, audience=self.audience)

    def allow(self, scopes: list[str] | None = None, **whom: Any) -> None:
        """Change whom acme's admin lets across, and with what."""
        at = self.globex.calendar.identifier
        with context.use(self.acme.tenant):
            across.allow_across(self.here.client, self.audience, at, scopes or SCOPES, by=SYSTEM, **whom)

    def change_audience(self, **fields: Any) -> None:
        with context.use(self.acme.tenant):
            trust_actions.change_audience(self.audience, by=SYSTEM, **fields)

    def standing(self, world: World) -> list[Delegation]:
        """Return what stands, or stood, on the organisation's word at one of the two."""
        return [each for each in world.delegations() if each.origin == Delegation.Origin.ID_JAG]

    def redeem(self, assertion: str = "", **changes: Any) -> httpx.Response:
        """Present a grant at globex; without one, a fresh grant."""
        return present(self.globex, self.there, assertion or self.grant(), **changes)

    def cross(self, **changes: Any) -> str:
        """Return an access token of globex, got across by a grant that was asked for with these changes."""
        response = self.redeem(self.grant(**changes))
        assert response.status_code == 200, response.text
        return str(response.json()["access_token"])


def make(acme: World, globex: World) -> Domains:
    """Let acme's agent cross to globex for everyone, with alice signed in at acme and linked at globex."""
    here, there = chain.asker(acme, "Scout"), presenter(globex)
    with context.use(acme.tenant):
        audience = trust_actions.add_audience(
            globex.tenant.issuer, by=SYSTEM, name="Globex", resources={globex.calendar.identifier: SCOPES}
        )
        across.name_elsewhere(here.client, audience, there.id, by=SYSTEM)
        across.allow_across(here.client, audience, globex.calendar.identifier, SCOPES, by=SYSTEM, everyone=True)
    with context.use(globex.tenant):
        trusted = trust_actions.trust_issuer(
            acme.tenant.issuer,
            by=SYSTEM,
            name="Acme",
            key_source="metadata",
            purposes=["id_jag"],
            resources={globex.calendar.identifier: SCOPES},
            clients=[there.id],
        )
        trust_actions.link_subject(trusted, acme.people["alice"].pk, globex.people["alice"], by=SYSTEM, how="admin")
    granted = acme.grant(here, scope="openid offline_access", resource=None)
    return Domains(acme, globex, here, there, audience, trusted, granted)
