"""A job that holds no secret: its platform's token says which job it is (RFC 7521 §4.2), and it acts for itself.

In plain httpx: the MCP SDK sends such a token too, but no `client_id` with it, and the token does not say it.
"""

import httpx

from examples.agent.exchange import PATIENCE
from examples.agent.keyholder import ASSERTION_TYPE


async def ask_as_job(
    token_endpoint: str, client_id: str, platform_token: str, *, scope: str, resource: str
) -> httpx.Response:
    """Ask for an access token with what the platform gave the job, and return the answer as it comes."""
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": platform_token,
        "scope": scope,
        "resource": resource,
    }
    async with httpx.AsyncClient(timeout=PATIENCE) as http:
        return await http.post(token_endpoint, data=form)
