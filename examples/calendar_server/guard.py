"""What stands before the MCP server: the way to the issuer, 401 for strangers, 403 for what was not allowed."""

import json
from collections.abc import MutableMapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from examples.calendar_server.place import Place
from examples.calendar_server.verification import BadToken, Caller, Verifier

MAX_BODY = 64 * 1024
CALLER = "caller"


class Guard:
    """Lets a request through to the MCP server with its caller in the ASGI scope; answers all others itself."""

    def __init__(self, app: ASGIApp, place: Place, verifier: Verifier) -> None:
        self._app = app
        self._place = place
        self._verifier = verifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        if scope["path"] == self._place.metadata_path:
            return await self._describe()(scope, receive, send)
        try:
            caller = await self._caller(Request(scope))
        except BadToken as refusal:
            return await self._unauthorized(str(refusal))(scope, receive, send)
        body = await _read(receive)
        if body is None:
            return await JSONResponse({"error": "invalid_request"}, 413)(scope, receive, send)
        missing = self._missing(body, caller)
        if missing:
            return await self._forbidden(missing)(scope, receive, send)
        scope[CALLER] = caller
        return await self._app(scope, _replay(body, receive), send)

    async def _caller(self, request: Request) -> Caller:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise BadToken("")
        return await self._verifier.verify(token)

    def _missing(self, body: bytes, caller: Caller) -> str:
        """Return the scope that a tool call needs and its token lacks. What is not a tool call passes."""
        try:
            message = json.loads(body or b"{}")
        except ValueError:
            return ""  # The MCP server refuses it.
        if not isinstance(message, MutableMapping):
            return self._place.writing  # Batches left MCP; one could hide a tool call from us.
        if message.get("method") != "tools/call":
            return ""
        parameters = message.get("params")
        tool = parameters.get("name") if isinstance(parameters, MutableMapping) else None
        needed = self._place.needs.get(str(tool), self._place.writing)
        return "" if needed in caller.scopes else needed

    def _describe(self) -> Response:
        """Say which issuer's tokens are good here (RFC 9728 §2)."""
        return JSONResponse(
            {
                "resource": self._place.resource,
                "resource_name": self._place.name,
                "authorization_servers": [self._place.issuer],
                "scopes_supported": [self._place.reading, self._place.writing],
                "bearer_methods_supported": ["header"],
            }
        )

    def _unauthorized(self, why: str) -> Response:
        """Point to the metadata, and ask for no more than reading (RFC 9728 §5.1, RFC 6750 §3)."""
        error = {"error": "invalid_token", "error_description": why} if why else {}
        return self._refusal(401, {**error, "scope": self._place.reading})

    def _forbidden(self, scope: str) -> Response:
        """Name what this very call needs; the client adds it to what it has (MCP, scope challenge)."""
        words = {"error": "insufficient_scope", "error_description": "The token does not hold the scope."}
        return self._refusal(403, {**words, "scope": scope})

    def _refusal(self, status: int, words: dict[str, str]) -> Response:
        words = {"resource_metadata": f"{self._place.origin}{self._place.metadata_path}", **words}
        challenge = ", ".join(f'{name}="{value}"' for name, value in words.items())
        return JSONResponse(words, status, headers={"WWW-Authenticate": f"Bearer {challenge}"})


async def _read(receive: Receive) -> bytes | None:
    """Return the whole body, or None where it is too long."""
    body = b""
    while True:
        message: MutableMapping[str, Any] = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            return None
        if not message.get("more_body"):
            return body


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting = [body]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again
