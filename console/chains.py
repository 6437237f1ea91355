"""Who acts for whom, as boxes and arrows: the person, the agents that a delegation passed through, the resources."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, ngettext

from console.neighbours import add_refused
from console.svg import Drawing, Edge, Node, chain
from delegations.models import Delegation
from delegations.sentence import sentence
from tenants import directory
from tokens.checking.history import RefusedPlace

MOST = 8
"""Parts below one delegation that are drawn; the rest is counted in one box."""
_DAY = timedelta(days=1)
STATES: Mapping[str, str | Promise] = {
    "live": gettext_lazy("Active"),
    "stopped": gettext_lazy("Stopped"),
    "ended": gettext_lazy("Ended"),
    "expired": gettext_lazy("Ended by its end date"),
}
"""How each hop of a lineage stands (`tokens.lineage`), in words."""


def drawing(
    delegation: Delegation, way: Mapping[str, Any], *, refused: Sequence[RefusedPlace] = (), now: datetime
) -> Drawing:
    """Draw a delegation's lineage (tokens.lineage), with this one in the middle of attention.

    `refused` is what its agents were refused of late at its resource or others.
    """
    whom = str(delegation.member) if delegation.member else gettext("Itself")
    nodes = [Node("subject", whom, gettext("person") if delegation.member else gettext("agent"), "person")]
    edges: list[Edge] = []
    for hop in way["hops"]:
        _add(hop, hop.get("parent", "subject"), delegation, now, nodes, edges)
    for hop in _near(way["parts"], delegation.pk, nodes, edges):
        _add(hop, hop["parent"], delegation, now, nodes, edges)
    _reach(way, nodes, edges)
    there = {hop["resource"] for hop in [*way["hops"], *way["parts"]]}
    keys = {hop["agent"]: hop["delegation"] for hop in [*way["parts"], *way["hops"]] if "agent" in hop}
    add_refused([(keys.get(each.agent, ""), each) for each in refused if each.resource in there], nodes, edges)
    return chain(nodes, edges, label=sentence(delegation, now=now))


def _add(
    hop: Mapping[str, Any], above: str, focus: Delegation, now: datetime, nodes: list[Node], edges: list[Edge]
) -> None:
    key = hop["delegation"]
    is_focus = key == focus.pk
    note = gettext("agent") if above == "subject" else gettext("sub-agent")
    url = "" if is_focus else reverse("console-delegation", args=[key])
    nodes.append(Node(key, hop["agent_name"], note, "agent", url, is_focus))
    words = gettext("allowed") if above == "subject" else gettext("handed on")
    edges.append(Edge(above, key, words, _tone(hop, now)))


def _near(
    parts: Sequence[Mapping[str, Any]], root: str, nodes: list[Node], edges: list[Edge]
) -> list[Mapping[str, Any]]:
    """Return the parts that are drawn; those that are left out become one box below the delegation."""
    shown: list[Mapping[str, Any]] = []
    below: dict[str, int] = {}
    known = {root}
    for part in parts:
        below[part["parent"]] = below.get(part["parent"], 0) + 1
        if part["parent"] in known and below[part["parent"]] <= MOST:
            shown.append(part)
            known.add(part["delegation"])
    if rest := len(parts) - len(shown):
        words = ngettext("%(number)s more", "%(number)s more", rest) % {"number": rest}
        nodes.append(Node("rest", words, gettext("sub-agents"), "agent"))
        edges.append(Edge(root, "rest", gettext("handed on")))
    return shown


def _reach(way: Mapping[str, Any], nodes: list[Node], edges: list[Edge]) -> None:
    """Add the resources, each once, and what everybody who is drawn may do there."""
    drawn = {node.key for node in nodes}
    for hop in [*way["hops"], *way["parts"]]:
        if hop["delegation"] not in drawn:
            continue
        key = f"at {hop['resource']}"
        if key not in drawn:
            protected = directory.resource_server(hop["resource"])
            nodes.append(
                Node(key, protected.server.name if protected else hop["resource"], gettext("resource"), "resource")
            )
            drawn.add(key)
        count = len(hop["scopes"])
        words = ngettext("%(number)s scope", "%(number)s scopes", count) % {"number": count}
        edges.append(Edge(hop["delegation"], key, words, "" if hop["state"] == "live" else "over"))


def _tone(hop: Mapping[str, Any], now: datetime) -> str:
    if hop["state"] != "live":
        return "over"
    ends = hop.get("expires_at")
    return "soon" if ends is not None and ends - now < _DAY else ""
