"""`python -m examples.calendar_server --port 9401 --issuer http://localhost:8000/t/acme …`: serve until stopped."""

import argparse
import os

import uvicorn
from mcp.server.mcpserver import Context, MCPServer

from examples.calendar_server.guard import CALLER, Guard
from examples.calendar_server.place import Place
from examples.calendar_server.verification import AskingVerifier, Caller, Verifier

SECRET = "INTROSPECTION_SECRET"


def build(place: Place) -> MCPServer:
    """Return the MCP server: two tools, and what each person keeps in it."""
    server = MCPServer(place.name, log_level="WARNING")
    kept: dict[str, list[str]] = {}

    @server.tool(name=place.listing_tool, description=f"List the {place.things} of the person you act for.")
    def listing(ctx: Context) -> str:
        caller = _caller(ctx)
        found = ", ".join(kept.get(caller.subject, [])) or "nothing yet"
        return f"{place.things} {_for_whom(caller)}: {found}"

    @server.tool(name=place.creating_tool, description=f"Add to the {place.things} of the person you act for.")
    def creating(title: str, ctx: Context) -> str:
        caller = _caller(ctx)
        kept.setdefault(caller.subject, []).append(title)
        return f"created {title!r} {_for_whom(caller)}"

    return server


def _caller(ctx: Context) -> Caller:
    caller: Caller = ctx.request_context.request.scope[CALLER]
    return caller


def _for_whom(caller: Caller) -> str:
    return f"for {caller.subject} through {' ← '.join(caller.agents) or 'nobody in between'}"


def main() -> None:
    arguments = argparse.ArgumentParser(prog="calendar_server")
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--issuer", required=True, help="whose tokens are good here")
    arguments.add_argument("--name", required=True)
    arguments.add_argument("--scopes", nargs=2, required=True, metavar=("READING", "WRITING"))
    arguments.add_argument("--asking-as", metavar="CLIENT_ID", help=f"ask the issuer each time; the secret is {SECRET}")
    chosen = arguments.parse_args()
    place = Place(chosen.port, chosen.issuer, chosen.name, *chosen.scopes)
    # Stateless: each request stands on its own token, and no session outlives the one that opened it.
    app = build(place).streamable_http_app(stateless_http=True, json_response=True)
    verifier = AskingVerifier(place, chosen.asking_as, os.environ[SECRET]) if chosen.asking_as else Verifier(place)
    uvicorn.run(Guard(app, place, verifier), host="127.0.0.1", port=place.port, log_level="warning")


if __name__ == "__main__":
    main()
