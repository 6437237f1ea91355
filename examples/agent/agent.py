"""One process, several people. Each call is made with the token of the person it is for, and with no other.

Discovery, registration, PKCE, tokens, refresh and step-up are the MCP SDK's. What is ours is the keeping apart: one
`OAuthClientProvider` with its own storage for each person at each server.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

Browser = Callable[[str, str], Awaitable[AuthorizationCodeResult]]
"""Shows a person the page at a URL, and returns what the page sent back: (person, URL) → code, state, iss."""

Witness = Callable[[httpx2.Response], Awaitable[None]]
"""Is told of every HTTP answer, those of the SDK's own requests too."""


@dataclass
class Keeping:
    """One person's tokens for one server, and the client that got them: a token is worth nothing to another client."""

    shared: dict[str, OAuthClientInformationFull]
    server_url: str
    tokens: OAuthToken | None = field(default=None, repr=False)
    client: OAuthClientInformationFull | None = field(default=None, repr=False)

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        # The agent is one piece of software: whoever comes second uses the registration of the first.
        return self.client or self.shared.get(self.server_url)

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info
        self.shared[self.server_url] = client_info


async def call_tool(http: httpx2.AsyncClient, server_url: str, tool: str, arguments: Mapping[str, str]) -> str:
    """Call a tool on the SDK's client, over an HTTP client that knows whose token to send."""
    async with Client(streamable_http_client(server_url, http_client=http)) as client:
        result = await client.call_tool(tool, dict(arguments))
    text = " ".join(part.text for part in result.content if part.type == "text")
    if result.is_error:
        raise RuntimeError(text)
    return text


class Work:
    """What the agent does for one person at one server, with a provider of the SDK that gets the tokens for it."""

    def __init__(self, provider: httpx2.Auth, keeping: Keeping, witness: Witness | None) -> None:
        self._auth = provider
        self._keeping = keeping
        self._hooks = {"response": [witness]} if witness else {}

    @property
    def tokens(self) -> OAuthToken:
        """What was allowed."""
        if self._keeping.tokens is None:
            raise LookupError("nothing was allowed yet")
        return self._keeping.tokens

    async def call(self, tool: str, **arguments: str) -> str:
        """Call a tool; where the server wants more than the agent holds, the provider asks for it."""
        async with httpx2.AsyncClient(auth=self._auth, timeout=30, event_hooks=self._hooks) as http:
            return await call_tool(http, self._keeping.server_url, tool, arguments)


class Errand(Work):
    """Work that the person allows on a page, where they are asked again for more."""

    def __init__(self, provider: OAuthClientProvider, keeping: Keeping, witness: Witness | None) -> None:
        super().__init__(provider, keeping, witness)
        self._provider = provider

    @property
    def client_id(self) -> str:
        info = self._provider.context.client_info
        return info.client_id if info else ""

    def expire(self) -> None:
        """Take the access token for expired, as it will be in some minutes: the next call refreshes first."""
        self._provider.context.token_expiry_time = 1.0


class Agent:
    """The software that acts. It has one name and one registration, and as many errands as people let it."""

    def __init__(
        self,
        name: str,
        browser: Browser,
        *,
        redirect_uri: str = "http://127.0.0.1/callback",
        witness: Witness | None = None,
    ) -> None:
        self.name = name
        self._browser = browser
        self._redirect_uri = redirect_uri
        self._witness = witness
        self._registrations: dict[str, OAuthClientInformationFull] = {}
        self._errands: dict[tuple[str, str], Errand] = {}

    def acting_for(self, person: str, server_url: str) -> Errand:
        """Return the person's errand at a server. It lives as long as the agent: the SDK forgets expiry otherwise."""
        key = (person, server_url)
        if key not in self._errands:
            keeping = Keeping(self._registrations, server_url)
            self._errands[key] = Errand(self._provider(person, server_url, keeping), keeping, self._witness)
        return self._errands[key]

    def _provider(self, person: str, server_url: str, keeping: Keeping) -> OAuthClientProvider:
        answers: list[AuthorizationCodeResult] = []

        async def show(url: str) -> None:
            answers.append(await self._browser(person, url))

        async def answered() -> AuthorizationCodeResult:
            return answers.pop()

        metadata = OAuthClientMetadata(
            client_name=self.name, redirect_uris=[self._redirect_uri], token_endpoint_auth_method="none"
        )
        return self._introduced(server_url, metadata, keeping, show, answered)

    def _introduced(self, *asked: Any) -> OAuthClientProvider:
        """Return the SDK's provider, which registers the agent where it is not known."""
        return OAuthClientProvider(*asked)
