"""A company's own provider: a second tenant of ours, or one that another library runs on a loopback port over https."""

import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from agents import actions as agent_actions
from audit.principals import SYSTEM
from kit import context
from kit.oauth import GrantType
from tests.harness.server import ROOT
from tests.harness.world import World
from tests.settings import FOLDER
from trust import actions as trust_actions
from trust import providers
from trust.models import IdentityProvider

NAME = "Initech accounts"
BACK = "/login/company/back"


@dataclass
class Elsewhere:
    """The provider of another library: who is known there, and signing in there as one of them."""

    url: str
    ca_file: str
    people: dict[str, dict[str, Any]] = field(default_factory=dict)

    def sign_in(self, place: str, subject: str, **claims: Any) -> str:
        """Sign in at the address that our redirect names; return the address that leads back."""
        with httpx.Client(verify=ssl.create_default_context(cafile=self.ca_file)) as http:
            assert http.put(f"{self.url}/users/{subject}", json=claims).status_code == 204
            answer = http.post(place, data={"sub": subject})
        assert answer.status_code == 302, answer.text[:500]
        return answer.headers["location"]


@contextmanager
def serving(ca_file: str) -> Iterator[Elsewhere]:
    """Run it until the block ends, with the certificate that the hostile server made."""
    port, chain = os.environ["REMIT_TEST_PROVIDER_PORT"], str(FOLDER / "server.pem")
    # Warnings are errors here, and that library uses what another one of its is to lose.
    command = [sys.executable, "-W", "ignore", "-m", "tests.harness.provider_process", port, chain]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    provider = Elsewhere(f"https://localhost:{port}", ca_file)
    try:
        _wait(provider, process)
        yield provider
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait(provider: Elsewhere, process: "subprocess.Popen[bytes]") -> None:
    with httpx.Client(verify=ssl.create_default_context(cafile=provider.ca_file)) as http:
        while process.poll() is None:
            try:
                http.get(f"{provider.url}/jwks", timeout=5).raise_for_status()
                return
            except httpx.TransportError:
                time.sleep(0.1)
    raise RuntimeError("the provider did not come up")


def let_sign_in_at(world: World, issuer: str, client_id: str, secret: str = "", **fields: Any) -> IdentityProvider:
    """Let people of a tenant sign in at an issuer; fields of the provider are `groups_claim` and `roles`."""
    of_provider = {name: fields.pop(name) for name in ("groups_claim", "roles") if name in fields}
    words = {"key_source": "metadata", "purposes": ["sign_in"], "name": NAME, "mappings": ["new_member"], **fields}
    with context.use(world.tenant):
        trusted = trust_actions.trust_issuer(issuer, by=SYSTEM, **words)
        return providers.set_provider(trusted, by=SYSTEM, client_id=client_id, client_secret=secret, **of_provider)


def register_at_sister(world: World, sister: World) -> tuple[str, str]:
    """Make a tenant a client of its sister's; return its id and secret there."""
    with context.use(sister.tenant):
        client, secret = agent_actions.register_agent(
            "Sign-in of the other tenant",
            by=SYSTEM,
            redirect_uris=(f"{world.tenant.issuer}{BACK}",),
            grant_types=(GrantType.AUTHORIZATION_CODE,),
        )
    return client.client_id, secret


def path_of(url: str) -> str:
    """Return an address without its origin."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"
