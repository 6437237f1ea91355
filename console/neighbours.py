"""An agent in the middle of those who let it act, those who work for it, and where: as boxes and arrows."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext, ngettext

from agents.models import Agent
from console.svg import REFUSED, Drawing, Edge, Node, chain
from delegations.models import Delegation
from delegations.sentence import in_words, place
from tenants import directory
from tokens.around import Around
from tokens.checking.history import RefusedPlace

if TYPE_CHECKING:
    from tokens.impact import UsedDelegation

MOST = 8
"""How many boxes of a kind are drawn: those that were used last; the rest is one box."""
_DAY = timedelta(days=1)


def drawing(
    agent: Agent,
    around: Around,
    *,
    people: int,
    refused: Sequence[RefusedPlace] = (),
    now: datetime,
    time_zone: str,
) -> Drawing | None:
    """Draw an agent with what is around it, or nothing where nothing is; `people` is for how many it acts in all.

    `refused` is what it and those who work for it were refused of late, the latest first.
    """
    if not around.held:
        return None
    nodes, edges = [Node(agent.pk, agent.name, agent.get_status_display(), "agent", is_focus=True)], []
    givers = _grouped(around.held, _giver_key)
    for key, held in _most(givers):
        nodes.append(_giver(key, held[0]))
        edges.append(_let(key, agent.pk, held, now=now, time_zone=time_zone))
    if rest := max(people, len(givers)) - min(len(givers), MOST):
        words = ngettext("%(number)s more", "%(number)s more", rest) % {"number": rest}
        url = f"{reverse('console-delegations')}?agent={agent.pk}"
        nodes.append(Node("rest", words, gettext("people"), "person", url))
        edges.append(Edge("rest", agent.pk, gettext("allowed")))
    helpers = [(key, held) for key, held in _grouped(around.handed_on, _holder_key).items() if key != agent.pk]
    for key, held in helpers[:MOST]:
        nodes.append(_helper(key, held[0]))
        edges.append(Edge(agent.pk, key, gettext("handed on"), _tone(held, now)))
    _reach([(agent.pk, around.held), *helpers[:MOST]], nodes, edges)
    add_refused([(each.agent, each) for each in refused], nodes, edges)
    return chain(nodes, edges, label=gettext("Who lets %(agent)s act, and where") % {"agent": agent.name})


def _grouped(
    rows: "Iterable[UsedDelegation]", key: "Callable[[UsedDelegation], str]"
) -> "dict[str, list[UsedDelegation]]":
    found: dict[str, list[UsedDelegation]] = {}
    for each in rows:
        found.setdefault(key(each), []).append(each)
    return found


def _most(groups: "dict[str, list[UsedDelegation]]") -> "list[tuple[str, list[UsedDelegation]]]":
    return list(groups.items())[:MOST]


def _giver_key(delegation: Delegation) -> str:
    """Return who is to the left of it: the agent that handed it on, the person, or nobody but itself."""
    if delegation.parent is not None and delegation.parent.agent_id:
        return f"by {delegation.parent.agent_id}"
    return f"for {delegation.subject}"


def _holder_key(delegation: Delegation) -> str:
    return delegation.agent_id or delegation.client_id


def _giver(key: str, first: Delegation) -> Node:
    if first.parent is not None and first.parent.agent is not None:
        giver = first.parent.agent
        return Node(key, giver.name, gettext("agent"), "agent", reverse("console-agent", args=[giver.pk]))
    url = reverse("console-delegation", args=[first.pk])
    if first.member is None:
        return Node(key, gettext("Itself"), gettext("for no person"), "person", url)
    return Node(key, str(first.member), gettext("person"), "person", url)


def _helper(key: str, first: Delegation) -> Node:
    name = first.agent.name if first.agent else first.client.name
    url = reverse("console-agent", args=[first.agent_id]) if first.agent_id else ""
    return Node(key, name, gettext("sub-agent"), "agent", url)


def _let(start: str, end: str, held: "Sequence[UsedDelegation]", *, now: datetime, time_zone: str) -> Edge:
    soonest = min((each.expires_at for each in held if each.expires_at), default=None)
    words = gettext("ends %(when)s") % {"when": in_words(soonest, now=now, time_zone=time_zone)}
    return Edge(start, end, words if soonest else in_words(None, now=now), _tone(held, now))


def _reach(holders: "Sequence[tuple[str, Sequence[UsedDelegation]]]", nodes: list[Node], edges: list[Edge]) -> None:
    """Add the resources, each once, and how much everybody who is drawn may do there."""
    drawn: set[str] = set()
    for key, held in holders:
        for audience, there in _most(_grouped(held, lambda each: each.audience)):
            target = f"at {audience}"
            if target not in drawn:
                drawn.add(target)
                nodes.append(Node(target, place(there[0]) or gettext("Sign-in"), gettext("resource"), "resource"))
            count = len(frozenset().union(*(each.scope_set for each in there)))
            words = ngettext("%(number)s scope", "%(number)s scopes", count) % {"number": count}
            edges.append(Edge(key, target, words))


def add_refused(found: Sequence[tuple[str, RefusedPlace]], nodes: list[Node], edges: list[Edge]) -> None:
    """Add where those who are drawn, by the keys of their boxes, were refused something; a box for each resource."""
    drawn = {node.key for node in nodes}
    for key, each in [(key, each) for key, each in found if key in drawn][:MOST]:
        target = f"at {each.resource}"
        if target not in drawn:
            drawn.add(target)
            protected = directory.resource_server(each.resource)
            name = protected.server.name if protected else each.resource
            nodes.append(Node(target, name, gettext("resource"), "resource"))
        edges.append(Edge(key, target, gettext("refused"), REFUSED))


def _tone(held: "Sequence[UsedDelegation]", now: datetime) -> str:
    return "soon" if any(each.expires_at and each.expires_at - now < _DAY for each in held) else ""
