"""One agent that holds one of each kind of token, and the places where a token is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from audit.principals import SYSTEM
from delegations import actions as delegation_actions
from kit import context
from kit.oauth import GrantType, TokenType
from tenants.models import ResourceServer
from tests.harness import chain as chains
from tests.harness import domains
from tests.harness.domains import Foreign
from tests.harness.keyholder import TYPE, Keyholder
from tests.harness.world import Credentials, World, claims, pkce

VERIFIER, CHALLENGE = pkce()


@dataclass
class Stage:
    """A tenant with an agent that has a secret and a key, and another that proves itself by the same key."""

    world: World
    vault: ResourceServer
    agent: Credentials
    keyed: Credentials
    key: Keyholder
    foreign: Foreign = field(default_factory=Foreign)
    held: dict[str, str] = field(default_factory=dict)

    def fresh(self, kind: str, *, who: Credentials | None = None) -> str:
        """Return a new token of a kind; `who` signs it, where an agent signs it itself."""
        return _KINDS[kind](self, who or self.agent)

    def kept(self, kind: str) -> str:
        """Return a token of a kind that nobody has used up."""
        if kind not in self.held:
            self.held[kind] = self.fresh(kind)
        return self.held[kind]

    def granted(self, name: str, **options: Any) -> str:
        return str(chains.allow(self.world, self.agent, **options)[name])


def make(world: World) -> Stage:
    vault = chains.add_server(world, "vault", "notes:read", token_format="opaque")
    agent, keyed = chains.asker(world, grant_types=domains.CROSSES), world.worker()
    stage = Stage(world, vault, agent, keyed, Keyholder(agent.id))
    domains.trust_foreign(world, stage.foreign)
    world.rewrite(agent.client, jwks=stage.key.jwks)
    world.rewrite(keyed.client, jwks=stage.key.jwks, auth_method="private_key_jwt")
    with context.use(world.tenant):
        delegation_actions.allow_agent(agent.client, world.calendar, frozenset({"events:read"}), by=SYSTEM)
    return stage


def double(stage: Stage, world: World) -> Stage:
    """Make the same stage in another tenant: its clients have the very ids, secrets and keys."""
    twin = make(world)
    for one, other in ((stage.agent, twin.agent), (stage.keyed, twin.keyed)):
        secret = one.client.client_secret
        world.rewrite(other.client, client_id=one.id, client_secret=secret, jwks=stage.key.jwks)
        other.client.client_id, other.secret = one.id, one.secret
    twin.key = stage.key
    return twin


# --- kinds


def _signed_by(stage: Stage, who: Credentials, *, subject: str, typ: str = "JWT") -> str:
    return stage.key.assertion(stage.world, iss=who.id, sub=subject, header={"typ": typ})


_KINDS: Mapping[str, Callable[[Stage, Credentials], str]] = {
    "calendar token": lambda stage, who: stage.granted("access_token", scope="events:read"),
    "sign-in token": lambda stage, who: stage.granted("access_token", scope="openid", resource=None),
    "API token": lambda stage, who: stage.granted("access_token", server=_api(stage), scope="self:read"),
    "own token": lambda stage, who: str(stage.world.own_token(stage.agent).json()["access_token"]),
    "opaque token": lambda stage, who: stage.granted("access_token", server=stage.vault, scope="notes:read"),
    "ID token": lambda stage, who: stage.granted("id_token", scope="openid events:read"),
    "refresh token": lambda stage, who: stage.granted("refresh_token", scope="events:read"),
    "code": lambda stage, who: stage.world.code(stage.agent, code_challenge=CHALLENGE)[0],
    "client assertion": lambda stage, who: _signed_by(stage, who, subject=who.id),
    "ID-JAG": lambda stage, who: stage.foreign.grant(stage.world, who),
    "actor JWT": lambda stage, who: _signed_by(stage, who, subject=str(who.client.agent_id)),
}
KINDS = tuple(_KINDS)


def retyped(stage: Stage, place: str, typ: str, *, fresh: bool = False) -> str:
    """Return what is good in a place, by its own claims and its own key, as another type of JWT.

    Where a place reads no JWT it is the calendar token.
    """
    if place == "actor: JWT":
        return _signed_by(stage, stage.agent, subject=str(stage.agent.client.agent_id), typ=typ)
    if place == "client assertion":
        return _signed_by(stage, stage.keyed, subject=stage.keyed.id, typ=typ)
    if place == "grant":
        return stage.foreign.grant(stage.world, stage.agent, header={"typ": typ})
    kind = _GENUINE.get(place, "calendar token")
    token = stage.fresh(kind) if fresh else stage.kept(kind)
    algorithm = "RS256" if kind == "ID token" else "ES256"
    return chains.signed(stage.world, claims(token), typ=typ, algorithm=algorithm)


_GENUINE = {
    "subject: ID token": "ID token",
    "actor: access token": "own token",
    "userinfo": "sign-in token",
    "API": "API token",
}


def _api(stage: Stage) -> ResourceServer:
    with context.use(stage.world.tenant):
        return ResourceServer.objects.get(identifier=stage.world.tenant.api_identifier)


# --- places


def _subject(stage: Stage, token: str, kind: TokenType, **changes: Any) -> httpx.Response:
    return stage.world.exchange(stage.agent, token, subject_token_type=kind.value, **changes)


def _actor(stage: Stage, token: str, kind: TokenType) -> httpx.Response:
    subject = stage.kept("calendar token")
    return stage.world.exchange(stage.agent, subject, actor_token=token, actor_token_type=kind.value)


def _assertion(stage: Stage, token: str) -> httpx.Response:
    form = {"grant_type": GrantType.CLIENT_CREDENTIALS.value, "resource": stage.world.calendar.identifier}
    proof = {"client_assertion_type": TYPE, "client_assertion": token}
    return stage.world.http.post(stage.world.url("/token"), data={**form, "scope": "events:read", **proof})


def _grant(stage: Stage, token: str) -> httpx.Response:
    return domains.present(stage.world, stage.agent, token)


def _bearer(stage: Stage, token: str, path: str) -> httpx.Response:
    return stage.world.http.get(stage.world.url(path), headers={"Authorization": f"Bearer {token}"})


def _post(stage: Stage, token: str, path: str) -> httpx.Response:
    return stage.world.http.post(stage.world.url(path), data={"token": token}, auth=stage.agent.basic)


PLACES: Mapping[str, Callable[[Stage, str], httpx.Response]] = {
    "subject: access token": lambda stage, token: _subject(stage, token, TokenType.ACCESS_TOKEN),
    "subject: ID token": lambda stage, token: _subject(
        stage, token, TokenType.ID_TOKEN, resource=stage.world.calendar.identifier
    ),
    "actor: access token": lambda stage, token: _actor(stage, token, TokenType.ACCESS_TOKEN),
    "actor: JWT": lambda stage, token: _actor(stage, token, TokenType.JWT),
    "client assertion": _assertion,
    "grant": _grant,
    "userinfo": lambda stage, token: _bearer(stage, token, "/userinfo"),
    "API": lambda stage, token: _bearer(stage, token, "/api/v1/self"),
    "introspection": lambda stage, token: _post(stage, token, "/introspect"),
    "revocation": lambda stage, token: _post(stage, token, "/revoke"),
    "refresh": lambda stage, token: stage.world.refresh(stage.agent, token),
    "code": lambda stage, token: stage.world.redeem(stage.agent, token, VERIFIER),
}
