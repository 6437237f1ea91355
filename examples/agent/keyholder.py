"""An agent that nobody registered: its client id is the URL of its own document, and a key proves that it is the one.

The MCP SDK knows each half and not the two together: a document names the client in its authorization code flow, and
`private_key_jwt` proves one in its client credentials flow. `ProvingProvider` is what is missing in between. The
discovery, PKCE, the person, tokens, refresh, step-up, and the signing too are the SDK's, unmodified.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx2
from jwcrypto import jwk
from mcp.client.auth import OAuthClientProvider, OAuthFlowError
from mcp.client.auth.extensions.client_credentials import SignedJWTParameters

from examples.agent.agent import Agent, Browser, Witness

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 60


def new_key() -> jwk.JWK:
    """Return a key pair for ES256. A real agent makes one and keeps it where only it can sign with it."""
    return jwk.JWK.generate(kty="EC", crv="P-256", alg="ES256", use="sig")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the agent is at every server in the world: the URL of its document, and the key that only it holds."""

    url: str
    key: jwk.JWK = field(default_factory=new_key, repr=False)

    def document(self, name: str, redirect_uri: str, jwks_uri: str) -> Mapping[str, Any]:
        """Return what lies at `url` (Client ID Metadata Documents §4): no secret, and the way to the public key."""
        return {
            "client_id": self.url,
            "client_name": name,
            "redirect_uris": [redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": jwks_uri,
        }

    def keys(self) -> Mapping[str, Any]:
        """Return what lies at `jwks_uri`: the public half."""
        return {"keys": [{**self.key.export_public(as_dict=True), "kid": self.key.thumbprint()}]}

    async def proof(self, issuer: str) -> Mapping[str, str]:
        """Return the two parameters that prove it to one issuer, once (RFC 7523 §2.2).

        The SDK names no `kid` in what it signs. Who replaces keys names it, so that servers look for the new one.
        """
        signer = SignedJWTParameters(
            issuer=self.url,
            subject=self.url,
            signing_key=self.key.export_to_pem(private_key=True, password=None).decode(),
            signing_algorithm="ES256",
            lifetime_seconds=ASSERTION_SECONDS,
        )
        # For the issuer, not for its token endpoint: so another server cannot ask for one that is good here.
        assertion = await signer.create_assertion_provider()(issuer)
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


class ProvingProvider(OAuthClientProvider):
    """The SDK's provider, with a fresh proof in each of its token requests."""

    def __init__(self, identity: Identity, *asked: Any) -> None:
        super().__init__(*asked, client_metadata_url=identity.url)
        self._identity = identity

    async def _perform_authorization(self) -> httpx2.Request:
        return await self._proved(await super()._perform_authorization())

    async def _refresh_token(self) -> httpx2.Request:
        return await self._proved(await super()._refresh_token())

    async def _proved(self, request: httpx2.Request) -> httpx2.Request:
        metadata = self.context.oauth_metadata
        if metadata is None:
            raise OAuthFlowError("a proof is for one issuer, and none was found")
        form = dict(parse_qsl(request.content.decode()))
        return httpx2.Request("POST", request.url, data={**form, **await self._identity.proof(str(metadata.issuer))})


class KeyholdingAgent(Agent):
    """An agent as any other, but for how it says who it is."""

    def __init__(
        self, name: str, browser: Browser, identity: Identity, *, redirect_uri: str, witness: Witness | None = None
    ) -> None:
        super().__init__(name, browser, redirect_uri=redirect_uri, witness=witness)
        self._identity = identity

    def _introduced(self, *asked: Any) -> OAuthClientProvider:
        return ProvingProvider(self._identity, *asked)
