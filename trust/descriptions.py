"""Where a description of a resource comes from: pasted, at an address, or asked of its MCP server (Streamable HTTP).

The server is asked as a stranger, without any token: what it shows strangers may be proposed, and nothing else.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from audit.principals import Principal
from kit.fetch import Message, Missing, Unfetchable
from tenants.describing import reading
from tenants.describing.values import MOST, Described, lists, maps
from tenants.directory import current
from tenants.errors import NotActive, Unusable
from tenants.models import ResourceServer
from trust import outbound

STATELESS, HANDSHAKE = "2026-07-28", "2025-11-25"
"""Revisions of MCP: the one whose messages stand alone, and the last one that begins with a handshake."""
PAGES = 10
_META = "io.modelcontextprotocol"
_NAME = {"name": "Remit", "version": "1"}
_HEADER = re.compile(r"[\x21-\x7e]{1,200}")


def propose(
    server: ResourceServer, *, by: Principal, document: str = "", url: str = "", asks: bool = False
) -> Described:
    """Return the scopes that one description proposes; raises Unusable or NotActive. Nothing is kept of it.

    It is a text, what lies at an address, or (`asks`) what the resource's own MCP server answers.
    """
    if server.identifier == current().api_identifier:
        raise Unusable(_("This is this product's own API. It changes with the release."))
    if server.retired_at is not None:
        raise NotActive(server.pk)
    if [bool(document.strip()), bool(url), asks].count(True) != 1:
        raise Unusable(_("Give the document, or its address, or have the server asked: one of them."))
    if document.strip():
        return reading.read(document.encode(), server)
    with outbound.looking(by.id):
        return reading.of({"tools": _tools(server.identifier)}, server) if asks else reading.read(_fetched(url), server)


def _fetched(url: str) -> bytes:
    try:
        return outbound.fetch_text(url, limit=reading.LIMIT)
    except Missing as error:
        raise Unusable(_("There is nothing at this address.")) from error
    except Unfetchable as error:
        raise Unusable(_("It could not be had from there: %(why)s.") % {"why": error}) from error


def _tools(url: str) -> list[Any]:
    try:
        ask = _Asking(url)
        found, cursor = ask.tools("")
        for _page in range(PAGES):
            if not cursor or len(found) > MOST:
                break
            more, cursor = ask.tools(cursor)
            found += more
    except Unfetchable as error:
        raise Unusable(_("The server could not be asked: %(why)s.") % {"why": error}) from error
    return found


class _Asking:
    """One conversation with an MCP server: in messages that stand alone, or after a handshake where it wants one."""

    def __init__(self, url: str) -> None:
        self._url, self._number = url, 0
        self._headers: Mapping[str, str] = {"MCP-Protocol-Version": STATELESS, "Mcp-Method": "tools/list"}
        meta = {f"{_META}/protocolVersion": STATELESS, f"{_META}/clientInfo": _NAME, f"{_META}/clientCapabilities": {}}
        self._params: Mapping[str, Any] = {"_meta": meta}
        self._is_open = False

    def tools(self, cursor: str) -> tuple[list[Any], str]:
        """Return a page of tools and where the next one begins; raises Unusable or Unfetchable."""
        params = {**self._params, **({"cursor": cursor} if cursor else {})}
        answer = self._send("tools/list", params)
        if not self._is_open and "result" not in answer.document:
            self._shake_hands()
            answer = self._send("tools/list", dict(self._params))
        self._is_open = True
        result = maps(answer.document.get("result"))
        if "tools" not in result:
            words = _("The server did not answer as an MCP server does (%(status)s).")
            raise Unusable(words % {"status": answer.status})
        following = result.get("nextCursor")
        return list(lists(result["tools"])), following if isinstance(following, str) else ""

    def _shake_hands(self) -> None:
        self._headers, self._params = {}, {}
        said = {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": _NAME}
        answer = self._send("initialize", said)
        agreed = maps(answer.document.get("result")).get("protocolVersion")
        named = {"MCP-Protocol-Version": agreed, "Mcp-Session-Id": answer.session}
        self._headers = {
            name: value for name, value in named.items() if isinstance(value, str) and _HEADER.fullmatch(value)
        }
        self._send("notifications/initialized", {}, is_told=True)

    def _send(self, method: str, params: Mapping[str, Any], *, is_told: bool = False) -> Message:
        self._number += 1
        message = {"jsonrpc": "2.0", "method": method, **({} if is_told else {"id": self._number}), "params": params}
        body = json.dumps(message).encode()
        answer = outbound.post_json(self._url, body, limit=reading.LIMIT, headers=self._headers)
        if answer.status in {401, 403}:
            raise Unusable(_("The server answers nobody without a token. Paste its answer to tools/list instead."))
        return answer
