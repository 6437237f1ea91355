"""An agent that holds a key: it signs assertions, and publishes a key set and a metadata document."""

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from jwcrypto import jwk, jwt

from agents.models import Client
from kit import context
from tests.harness.hostile import Hostile, json_answer
from tests.harness.world import REDIRECT, Credentials, World

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Keyholder:
    """A client with a private key. `id` is its client id, whatever way it came to exist."""

    id: str
    key: jwk.JWK = field(default_factory=lambda: jwk.JWK.generate(kty="EC", crv="P-256", kid="k1"))

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [self.key.export_public(as_dict=True)]}

    @property
    def private(self) -> dict[str, Any]:
        """The key itself, for a client that signs with it."""
        return dict(self.key.export_private(as_dict=True))

    def assertion(self, world: World, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
        """Sign an assertion for a tenant; a change to None leaves a claim out."""
        now = int(time.time())
        claims = {
            "iss": self.id, "sub": self.id, "aud": world.tenant.issuer, "iat": now, "exp": now + 120,
            "jti": str(uuid.uuid4()),
        } | changes  # fmt: skip
        present = {name: value for name, value in claims.items() if value is not None}
        signed = jwt.JWT(header={"alg": "ES256", "typ": "JWT", "kid": "k1"} | (header or {}), claims=present)
        signed.make_signed_token(self.key)
        return str(signed.serialize())

    def proof(self, world: World, **changes: Any) -> dict[str, str]:
        return {"client_assertion_type": TYPE, "client_assertion": self.assertion(world, **changes)}


def document(server: Hostile, path: str, *, publish: bool = True, **changes: Any) -> dict[str, Any]:
    """Publish a metadata document; a change to None leaves a member out."""
    content = {
        "client_id": server.url(path),
        "client_name": "Scout",
        "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    } | changes
    present = {name: value for name, value in content.items() if value is not None}
    if publish:
        server.answers[path] = json_answer(json.dumps(present).encode())
    return present


def hand_over(world: World, who: Credentials, jwks: dict[str, Any]) -> None:
    """Have a client prove itself by these keys from now on, instead of by its secret."""
    with context.use(world.tenant):
        Client.objects.filter(pk=who.client.pk).update(auth_method="private_key_jwt", jwks=jwks)


def as_credentials(client_id: str) -> Credentials:
    """Return a client that the world's helpers can use before it is known to the server."""
    return Credentials(_Named(client_id))  # type: ignore[arg-type]


@dataclass
class _Named:
    client_id: str
