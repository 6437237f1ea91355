"""An agent, the people it asks, and what one does with them, said in plain calls."""

from typing import Any, NamedTuple

import httpx
from anyio import create_task_group
from anyio.from_thread import BlockingPortal
from playwright.async_api import Browser

from examples.agent import Agent, Errand
from tenants.models import ResourceServer
from tests.harness.world import World, claims
from tests.interop.person import People


class Server(NamedTuple):
    """An example server: its URL, and its row."""

    url: str
    row: ResourceServer


class Cast:
    """One agent process and the people of one tenant."""

    def __init__(self, world: World, portal: BlockingPortal, browser: Browser, redirect_uri: str) -> None:
        self.world = world
        self._portal = portal
        self.people = People(world, browser)
        self.seen: list[tuple[str, str, int]] = []
        self.agent = Agent("Travel planner", self.people.decide, redirect_uri=redirect_uri, witness=self._see)

    def call(self, person: str, server: Server, tool: str, **arguments: str) -> str:
        return self._portal.call(lambda: self.errand(person, server).call(tool, **arguments))

    def call_together(self, calls: list[tuple[str, Server, str, dict[str, str]]]) -> list[str]:
        """Make calls at the same time; return what they said, in their order."""
        said = [""] * len(calls)

        async def one(position: int) -> None:
            person, server, tool, arguments = calls[position]
            said[position] = await self.errand(person, server).call(tool, **arguments)

        async def every() -> None:
            async with create_task_group() as group:
                for position in range(len(calls)):
                    group.start_soon(one, position)

        self._portal.call(every)
        return said

    def errand(self, person: str, server: Server) -> Errand:
        return self.agent.acting_for(person, server.url)

    def token(self, person: str, server: Server) -> str:
        return self.errand(person, server).tokens.access_token

    def claims(self, person: str, server: Server) -> dict[str, Any]:
        return claims(self.token(person, server))

    def refresh(self, person: str, server: Server, *, at: str = "") -> httpx.Response:
        """Refresh by hand, and keep what came; `at` is another door to the same server."""
        errand = self.errand(person, server)
        form = {
            "grant_type": "refresh_token",
            "refresh_token": errand.tokens.refresh_token,
            "client_id": errand.client_id,
        }
        issuer = httpx.URL(self.world.tenant.issuer)
        address = issuer.copy_with(port=int(at)) if at else issuer
        return self.world.http.post(f"{address}/token", data=form, headers={"Host": issuer.netloc.decode()})

    def end_access(self, person: str, server: Server) -> None:
        self._portal.call(self.people.end_access, person, self.claims(person, server)["delegation_id"])

    def close(self) -> None:
        self._portal.call(self.people.close)

    async def _see(self, response: Any) -> None:
        self.seen.append((response.request.method, response.url.path, response.status_code))


ACCEPT = {"Accept": "application/json, text/event-stream"}


def tool_call(tool: str = "list_events") -> dict[str, Any]:
    """Return the message with which an MCP client calls a tool."""
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}}


def raw_call(server: Server, token: str, tool: str = "list_events") -> httpx.Response:
    """Call a tool with a token, without any SDK in between."""
    headers = {"Authorization": f"Bearer {token}", **ACCEPT}
    return httpx.post(server.url, json=tool_call(tool), headers=headers, timeout=20)
