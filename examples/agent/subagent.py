"""An agent that works for other agents, on the MCP SDK's own client. It never acts with what it was passed."""

from dataclasses import dataclass, field

import httpx2

from examples.agent.agent import call_tool
from examples.agent.exchange import Credentials, exchange


@dataclass(frozen=True, slots=True)
class Part:
    """What a sub-agent does for one person at one server, with a token of its own that names everybody in between."""

    server_url: str
    token: str = field(repr=False)

    async def call(self, tool: str, **arguments: str) -> str:
        """Call a tool. Nobody is asked: what the token does not allow, the person did not."""
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {self.token}"}, timeout=30) as http:
            return await call_tool(http, self.server_url, tool, arguments)


class SubAgent:
    """The software that acts. It asks no person, and has nothing but what agents above pass to it."""

    def __init__(self, known_as: Credentials) -> None:
        self._known_as = known_as

    async def take(self, passed: str, server_url: str, *, scope: str) -> Part:
        """Return its part of what another agent's token allows; raises Refused."""
        return Part(server_url, await exchange(self._known_as, passed, scope=scope, resource=server_url))
