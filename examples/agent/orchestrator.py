"""An agent that an admin registered, and that passes part of its errands on to others."""

from typing import Any

from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata

from examples.agent.agent import Agent, Browser, Errand, Keeping, Witness
from examples.agent.exchange import Credentials, exchange


class Orchestrator(Agent):
    """An agent as any other, but for a secret that proves who it is, and for what it passes on."""

    def __init__(
        self, name: str, browser: Browser, known_as: Credentials, *, redirect_uri: str, witness: Witness | None = None
    ) -> None:
        super().__init__(name, browser, redirect_uri=redirect_uri, witness=witness)
        self._known_as = known_as

    async def less(self, errand: Errand, scope: str) -> str:
        """Return a token to pass on, with no more in it than what it is passed on for.

        Whoever gets it could use it as it is, as this agent: so it is made for one task, and taken back after.
        """
        return await exchange(self._known_as, errand.tokens.access_token, scope=scope)

    def _introduced(
        self, server_url: str, metadata: OAuthClientMetadata, keeping: Keeping, *asked: Any
    ) -> OAuthClientProvider:
        """Return the SDK's provider, which registers nothing where the client is known already."""
        keeping.client = OAuthClientInformationFull(
            client_id=self._known_as.client_id,
            client_secret=self._known_as.secret,
            token_endpoint_auth_method="client_secret_basic",
            redirect_uris=metadata.redirect_uris,
        )
        return OAuthClientProvider(server_url, metadata, keeping, *asked)
