"""Working for another agent, in plain httpx and with no SDK: an exchange (RFC 8693), and a call with what it gave."""

from dataclasses import dataclass, field

import httpx

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
PATIENCE = 20


class Refused(Exception):
    """The authorization server said no; `error` is its code (RFC 6749 §5.2)."""

    def __init__(self, client_id: str, error: str) -> None:
        super().__init__(f"an exchange by {client_id} was refused: {error}")
        self.error = error


@dataclass(frozen=True, slots=True)
class Credentials:
    """An agent as the authorization server knows it, and where that gives tokens."""

    token_endpoint: str
    client_id: str
    secret: str = field(repr=False)


async def exchange(agent: Credentials, token: str, *, scope: str = "", resource: str = "") -> str:
    """Return a token of the agent's own for part of what a token allows; raises Refused.

    Of one's own token that is less of the same. Of another agent's it is a part in one's own hands: for the same
    person, where an admin lets that agent hand it on and the person read so. Nothing named is all that can be had.
    """
    wishes = {name: value for name, value in (("scope", scope), ("resource", resource)) if value}
    form = {"grant_type": TOKEN_EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN, **wishes}
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        answer = await http.post(agent.token_endpoint, data=form, auth=(agent.client_id, agent.secret))
    if answer.status_code != 200:
        raise Refused(agent.client_id, answer.json()["error"])
    return str(answer.json()["access_token"])


async def post_call(server_url: str, token: str, tool: str, **arguments: str) -> httpx.Response:
    """Call a tool of an MCP server that keeps no sessions, and return its answer as it comes."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        return await http.post(server_url, json=message, headers=headers)
