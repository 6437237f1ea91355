"""The answer of an MCP server to `tools/list`: each tool, as one scope. What a tool hints at itself is a hint."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from tenants.describing.values import Described, Proposal, check_number, is_fit, lists, maps, passed_over, plain
from tenants.describing.values import worded as in_words
from tenants.errors import Unusable
from tenants.models import Scope

SOURCE = "mcp"


def is_one(document: Mapping[str, Any]) -> bool:
    """Say whether a document is such an answer, with the envelope of JSON-RPC or without."""
    return "tools" in document or "tools" in maps(document.get("result")) or "jsonrpc" in document


def read(document: Mapping[str, Any]) -> Described:
    """Return what it says; raises Unusable where it names no tool."""
    if "error" in document:
        said = plain(maps(document["error"]).get("message"), 120)
        raise Unusable(_("It is an error, and no list of tools: %(words)s") % {"words": said or "–"})
    listed = [maps(tool) for tool in lists(maps(document.get("result", document)).get("tools"))]
    check_number(listed)
    if not listed:
        raise Unusable(_("It names no tool: nothing in it can be proposed."))
    named = {tool["name"]: tool for tool in reversed(listed) if is_fit(tool.get("name"))}
    unfit = tuple(passed_over(tool.get("name")) for tool in listed if not is_fit(tool.get("name")))
    return Described(SOURCE, tuple(_proposal(named[name]) for name in reversed(named)), unfit)


def _proposal(tool: Mapping[str, Any]) -> Proposal:
    hints = maps(tool.get("annotations"))
    is_writing = hints.get("readOnlyHint") is not True
    # Where nothing is said of it MCP takes a tool for destructive: only one that says so is proposed as grave.
    weight = Scope.Weight.FINAL.value if is_writing and hints.get("destructiveHint") is True else ""
    title = tool.get("title") or hints.get("title")
    words = in_words(tool["name"], tool.get("description"), title=title, is_writing=is_writing, weight=weight)
    return Proposal(words, (tool["name"],))
