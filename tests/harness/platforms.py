"""Platforms that hand their workloads tokens: a CI service, a cluster, an agent platform; their keys are ours."""

import base64
import functools
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jwk

from agents import across
from agents.models import Agent, Client, FederatedCredential
from audit.events import Event
from audit.principals import SYSTEM
from delegations import actions as delegation_actions
from kit import context
from kit.oauth import GrantType
from tenants import actions as tenant_actions
from tests.harness.domains import SCOPES, Foreign
from tests.harness.footprint import leaves_only
from tests.harness.keyholder import TYPE
from tests.harness.wire import assert_refused
from tests.harness.world import World
from trust import actions as trust_actions
from trust.models import TrustedIssuer

GITHUB = "https://token.actions.githubusercontent.com"
CLUSTER = "https://kubernetes.default.svc.cluster.local"
PLATFORM = "https://agents.platform.example"
MAIN = "repo:acme/deploy:ref:refs/heads/main"
PINNED = {"repository_id": "74182006", "repository_owner_id": "1342004", "event_name": "push"}
POD = "system:serviceaccount:agents:scout"
ACCOUNT = {"name": "scout", "uid": "f3a7c1d2-0b1e-4c55-9d2a-5b0a4f6a0c11"}
SUBJECT = "agent-7f3a"


@functools.cache
def rsa(kid: str) -> Any:
    """Return an RSA key by name; making one takes longer than a request."""
    return jwk.generate_key("RSA", 2048, {"kid": kid}, private=True)


def named(url: str, kid: str = "") -> Foreign:
    return Foreign(url, rsa(kid or f"key of {url}"))


def job(platform: Foreign, audience: object, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """Return the token of a CI job, as GitHub Actions makes it; a change to None leaves a claim out."""
    now = int(time.time())
    body = {
        "jti": str(uuid.uuid4()), "sub": MAIN, "aud": audience, "ref": "refs/heads/main", "sha": "f" * 40,
        "repository": "acme/deploy", "repository_owner": "acme", "repository_id": "74182006",
        "repository_owner_id": "1342004", "run_id": "9132", "run_number": "10", "run_attempt": "1",
        "repository_visibility": "private", "actor": "alice", "actor_id": "12", "workflow": "deploy",
        "head_ref": "", "base_ref": "", "event_name": "push", "ref_type": "branch", "environment": "production",
        "job_workflow_ref": "acme/deploy/.github/workflows/deploy.yml@refs/heads/main", "runner_environment":
        "github-hosted", "iss": platform.url, "nbf": now - 5, "exp": now + 295, "iat": now - 5,
    } | changes  # fmt: skip
    return platform.sign(body, **{"typ": "JWT", "x5t": "eBZ_cn3sXYAd0ch4THBKHIgOwOE", **(header or {})})


def pod(platform: Foreign, audience: object, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """Return the projected token of a service account, as Kubernetes makes it: no `typ`, a list of one audience."""
    now = int(time.time())
    bound = {
        "namespace": "agents",
        "node": {"name": "node-1", "uid": "0c9a6f0e-6d9f-4f6d-9b39-6c1f0a1d2e3f"},
        "pod": {"name": "scout-5d9c", "uid": "b1d1e2c3-7d5e-4f60-8a4b-2f9e6c7d8a90"},
        "serviceaccount": ACCOUNT,
    }
    body = {
        "aud": [audience], "exp": now + 3600, "iat": now, "iss": platform.url, "jti": str(uuid.uuid4()),
        "kubernetes.io": bound, "nbf": now, "sub": POD,
    } | changes  # fmt: skip
    return platform.sign(body, **(header or {}))


def word(platform: Foreign, audience: object, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """Return an agent platform's assertion about one of its agents (WAG §4)."""
    now = int(time.time())
    body = {
        "iss": platform.url, "sub": SUBJECT, "aud": audience, "iat": now, "exp": now + 240, "jti": str(uuid.uuid4()),
    } | changes  # fmt: skip
    return platform.sign(body, **(header or {}))


def raw(header: object, body: object, signature: bytes = b"") -> str:
    """Return three parts as no library would put them together."""
    parts = (json.dumps(header).encode(), json.dumps(body).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def signed(platform: Foreign, header: object, body: object) -> str:
    """Sign with a platform's RSA key over a header that no library would write."""
    message, _, _ = raw(header, body).rpartition(".")
    made = platform.key.private_key.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
    return raw(header, body, made)


def trust(world: World, platform: Foreign, **fields: Any) -> TrustedIssuer:
    """Let a tenant take a platform's tokens for secrets, by its pasted keys, for as long as a cluster makes them."""
    words = {"key_source": "pasted", "jwks": platform.jwks, "purposes": ["federation"], "longest_seconds": 3600}
    with context.use(world.tenant):
        return trust_actions.trust_issuer(platform.url, by=SYSTEM, **{**words, **fields})


def change(world: World, trusted: TrustedIssuer, **fields: Any) -> None:
    with context.use(world.tenant):
        trust_actions.change_issuer(TrustedIssuer.objects.get(pk=trusted.pk), by=SYSTEM, **fields)


@dataclass
class Workload:
    """A client without a secret, and the platform whose tokens stand for one; `shape` is how they look."""

    world: World
    platform: Foreign
    trusted: TrustedIssuer
    client: Client
    credential: FederatedCredential
    shape: Any = job

    def token(self, **changes: Any) -> str:
        """Return a fresh token of the platform; `{issuer}` in an audience is the tenant's."""
        return str(self.shape(self.platform, filled(self.world, changes.pop("aud", "{issuer}")), **changes))

    def proof(self, token: str = "", **changes: Any) -> dict[str, str]:
        """Return the form fields by which it says who it is."""
        asserted = token or self.token(**changes)
        return {"client_id": self.client.client_id, "client_assertion_type": TYPE, "client_assertion": asserted}

    def form(self, token: str = "") -> dict[str, str]:
        """Return a request for a token of its own."""
        base = {
            "grant_type": GrantType.CLIENT_CREDENTIALS.value,
            "resource": self.world.calendar.identifier,
            "scope": "events:read",
        }
        return base | self.proof(token)

    def ask(self, token: str = "", **changes: Any) -> httpx.Response:
        """Ask for a token of its own; a field set to None is left out."""
        return post(self.world, self.form(token) | changes)

    def refuses(self, *tokens: str, **form: Any) -> None:
        """Assert that each of these is refused as an unknown client is, and that nothing is written."""
        with leaves_only(self.world):
            answers = [(token, self.ask(token, **form)) for token in tokens or ("",)]
        for token, answer in answers:
            assert answer.status_code == 401, token
            assert_refused(answer, "invalid_client", 401)


def workload(
    world: World,
    platform: Foreign,
    *,
    subject: str = MAIN,
    claims: Mapping[str, Any] | None = None,
    audience: str = "",
    shape: Any = job,
    trusted: TrustedIssuer | None = None,
    **fields: Any,
) -> Workload:
    """Make a client that a platform's tokens about a subject prove, and let its agent read the calendar."""
    believed = trusted or trust(world, platform, **fields)
    grants = (GrantType.CLIENT_CREDENTIALS, GrantType.TOKEN_EXCHANGE)
    with context.use(world.tenant):
        client = across.register_workload("Deploys", by=SYSTEM, grant_types=grants)
        pinned = PINNED if claims is None else claims
        made = across.federate(client, believed, subject, by=SYSTEM, claims=pinned, audience=audience)
        delegation_actions.allow_agent(client, world.calendar, frozenset({"events:read"}), by=SYSTEM)
    return Workload(world, platform, believed, client, made, shape)


@dataclass
class Brings:
    """A platform that brings its own agents to a tenant, and what one posts in their name."""

    world: World
    platform: Foreign
    trusted: TrustedIssuer

    def word(self, **changes: Any) -> str:
        return word(self.platform, filled(self.world, changes.pop("aud", "{issuer}")), **changes)

    def present(self, assertion: str = "", **form: Any) -> httpx.Response:
        """Present an assertion with no client beside it."""
        base = {
            "grant_type": GrantType.JWT_BEARER.value,
            "assertion": assertion or self.word(),
            "resource": self.world.calendar.identifier,
        }
        return post(self.world, base | form)

    def refuses(self, code: str, assertion: str = "", *, is_open: bool = False, **form: Any) -> str:
        """Assert that it is refused by this code, and leaves one entry; return the entry's reason.

        `is_open` says that an admin's decision would change it: then the answer says who decides.
        """
        with leaves_only(self.world, Event.TOKEN_REFUSED):
            answer = self.present(assertion, **form)
        assert_refused(answer, code, page=self.world.url("/who-decides") if is_open else "")
        return str(max(self.world.entries(Event.TOKEN_REFUSED), key=lambda each: each.at).reason)

    def agents(self) -> list[Agent]:
        with context.use(self.world.tenant):
            return list(Agent.objects.filter(issuer=self.trusted).order_by("pk"))

    def admit(self, scopes: list[str] | None = None, subject: str = SUBJECT) -> Agent:
        """Have an agent arrive, and let it do this at the calendar; return it."""
        self.present(self.word(sub=subject))
        (agent,) = (each for each in self.agents() if each.foreign_subject == subject)
        with context.use(self.world.tenant):
            across.admit(agent, {self.world.calendar.identifier: SCOPES if scopes is None else scopes}, by=SYSTEM)
        return agent


def brings(world: World, platform: Foreign, **fields: Any) -> Brings:
    """Let a platform bring agents that may reach the calendar."""
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, workloads="open")
    words = {"purposes": ["workload"], "longest_seconds": 300, "resources": {world.calendar.identifier: SCOPES}}
    return Brings(world, platform, trust(world, platform, **{**words, **fields}))


def post(world: World, form: Mapping[str, Any]) -> httpx.Response:
    """POST to /token with nothing but a form; a field set to None is left out."""
    return world.http.post(world.url("/token"), data={key: value for key, value in form.items() if value is not None})


def eventually(holds: Callable[[], bool], seconds: float = 10) -> bool:
    """Say whether something comes true: what was refused by a cache is refused until the cache is read anew."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def filled(world: World, value: Any) -> Any:
    """Put the tenant's issuer where `{issuer}` stands in it."""
    if isinstance(value, list):
        return [filled(world, each) for each in value]
    return value.replace("{issuer}", world.tenant.issuer) if isinstance(value, str) else value
