"""An authorization request as it is understood: who asks for what, where, and where the answer goes.

Scope and resource are judged together (RFC 8707 §2): each scope must belong to one of the requested resources, or name
the person's identity. Nothing is guessed from a parameter that is not there, but the resource's default scopes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents import directory as agents_directory
from agents.models import Client
from kit import uris
from kit.forms import Form
from kit.oauth import IDENTITY_SCOPES, OFFLINE_ACCESS, InvalidRequest, InvalidScope, InvalidTarget
from tenants import directory
from tenants.models import ResourceServer, Tenant
from tokens.opening import OF_AGENTS

MAX_RESOURCES = 5
MAX_NONCE = 255
PROMPTS = frozenset({"none", "login", "consent", "select_account"})


@dataclass(frozen=True, slots=True)
class Target:
    """Scopes asked for at one audience; without a resource server it is the issuer itself, for sign-in."""

    audience: str
    scopes: frozenset[str]
    resource_server: ResourceServer | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A validated authorization request."""

    client: Client
    redirect_uri: str
    """Where the answer goes; empty where a device fetches it."""
    targets: tuple[Target, ...]
    identity: frozenset[str]
    state: str
    nonce: str
    code_challenge: str
    prompts: frozenset[str]
    max_age: int | None
    form: Form = field(repr=False)

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset().union(*(target.scopes for target in self.targets)) | self.identity

    @property
    def redirect_host(self) -> str:
        return uris.remembered_host(self.redirect_uri) if self.redirect_uri else ""

    @property
    def returns_to_app(self) -> bool:
        return uris.is_app_scheme(self.redirect_uri)


def understand(tenant: Tenant, client: Client, redirect_uri: str, form: Form) -> Asked:
    """Return what is asked for; raises InvalidRequest, InvalidTarget or InvalidScope."""
    one = {name: values[0] for name, values in form.items()}
    scopes = frozenset(one.get("scope", "").split())
    return Asked(
        client=client,
        redirect_uri=redirect_uri,
        targets=_targets(tenant, form.get("resource", ()), scopes),
        identity=scopes & IDENTITY_SCOPES,
        state=one.get("state", ""),
        nonce=one.get("nonce", "")[:MAX_NONCE],
        code_challenge=_challenge(one),
        prompts=_prompts(one),
        max_age=_max_age(one),
        form=form,
    )


def understand_device(tenant: Tenant, client: Client, form: Form) -> Asked:
    """Return what a device asks for (RFC 8628 §3.1); raises InvalidTarget or InvalidScope."""
    scopes = frozenset(form.get("scope", ("",))[0].split())
    targets = _targets(tenant, form.get("resource", ()), scopes)
    for target in targets:
        if target.audience == tenant.api_identifier and target.scopes - OF_AGENTS:
            raise InvalidScope("what looks after the tenant is never allowed by a code from a device")
    return Asked(
        client=client,
        redirect_uri="",
        targets=targets,
        identity=scopes & IDENTITY_SCOPES,
        state="",
        nonce="",
        code_challenge="",
        prompts=frozenset(),
        max_age=None,
        form={name: form[name] for name in ("scope", "resource") if name in form},
    )


def helpers_to_name(tenant: Tenant, client: Client) -> frozenset[str]:
    """Return the agents that a person must be told of before part of what this client is allowed can reach them."""
    if client.agent_id is None or tenant.handing_on == Tenant.Handing.OFF:
        return frozenset()
    return agents_directory.reach(client.agent_id, tenant.deepest_chain)


def _targets(tenant: Tenant, resources: tuple[str, ...], scopes: frozenset[str]) -> tuple[Target, ...]:
    if len(resources) > MAX_RESOURCES:
        raise InvalidTarget("too many resources")
    named = tuple(dict.fromkeys(uris.canonical_resource(resource) for resource in resources))
    if not named and "openid" in scopes and scopes <= IDENTITY_SCOPES:
        return (Target(tenant.issuer, scopes - {OFFLINE_ACCESS}),)
    named = named or ((tenant.default_resource,) if tenant.default_resource else ())
    if not named:
        raise InvalidTarget("the resource parameter is missing")
    wanted = scopes - IDENTITY_SCOPES
    known: set[str] = set()
    targets = []
    for identifier in named:
        protected = directory.resource_server(identifier)
        if protected is None:
            raise InvalidTarget(f"{identifier[:200]!r} is not registered")
        known |= protected.scopes.keys()
        granted = (wanted & protected.scopes.keys()) if wanted else protected.default_scopes
        if granted:
            targets.append(Target(identifier, frozenset(granted), protected.server))
    if unknown := wanted - known:
        raise InvalidScope(f"unknown: {' '.join(sorted(unknown))[:200]}")
    if not targets:
        raise InvalidScope("no scope was asked for, and the resource has no default")
    return tuple(targets)


def _challenge(one: Mapping[str, str]) -> str:
    challenge = one.get("code_challenge", "")
    if len(challenge) != 43 or not challenge.replace("-", "a").replace("_", "a").isalnum() or not challenge.isascii():
        raise InvalidRequest("code_challenge is not the base64url of a SHA-256")
    return challenge


def _prompts(one: Mapping[str, str]) -> frozenset[str]:
    prompts = frozenset(one.get("prompt", "").split())
    if prompts - PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise InvalidRequest("prompt")
    return prompts


def _max_age(one: Mapping[str, str]) -> int | None:
    text = one.get("max_age", "")
    if text and (not text.isdecimal() or len(text) > 9):
        raise InvalidRequest("max_age")
    return int(text) if text else None
