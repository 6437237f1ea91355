"""Where authority comes from: the way from the consent to a delegation or a token, and what was lost at each hop.

This is what introspection's `act` cannot say, and what a drawing of the chain needs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from agents.models import Agent, Client
from delegations.models import Ancestry, Delegation
from tokens.models import AccessToken

MOST_PARTS = 500
MOST_TOKENS = 32
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Hop:
    """A delegation on the way: who holds it, what it allows where, and which scopes of the hop before are not in it.

    `state` is live, ended, expired or stopped (its agent or client is not active); each hop has its own.
    """

    delegation: str
    parent: str
    agent: str
    agent_name: str
    client_id: str
    resource: str
    scopes: list[str]
    lost: list[str]
    expires_at: datetime | None
    state: str


def of_delegation(delegation: Delegation, *, now: datetime) -> Mapping[str, Any]:
    """Return a delegation's lineage: the subject, the consent behind it, the hops to it, and the parts below it."""
    line, parts = _around(delegation)
    return {
        "subject": delegation.subject,
        "origin": line[0].origin,
        **({"consent": line[0].consent_id} if line[0].consent_id else {}),
        "hops": _hops(line, now),
        "parts": [_hop(part, part.parent, now) for part in parts],
    }


def of_token(row: AccessToken, *, now: datetime) -> Mapping[str, Any]:
    """Return a token's lineage: its delegation's hops, and the tokens that it was exchanged from, oldest first."""
    tokens = _tokens_to(row)
    return {
        "subject": row.subject,
        "hops": _hops(_around(row.delegation, parts=0)[0], now),
        "tokens": [_step(token, before) for before, token in zip([None, *tokens], tokens, strict=False)],
    }


def tokens_of(delegation: Delegation, *, below: bool, now: datetime) -> Mapping[str, Any]:
    """Return the newest tokens of a delegation, each with the one that it was exchanged from, oldest first.

    `below` takes those of what was handed on of it, too: they are the affair of whoever looks after all of it.
    """
    mine = Q(delegation=delegation)
    parts = Q(delegation__in=Ancestry.objects.filter(ancestor=delegation).values("delegation"))
    held = AccessToken.objects.filter(mine | parts if below else mine).order_by("-created", "-pk")
    found = list(held.select_related("client__agent", "parent")[: SHOWN + 1])
    rows = [_branch(token, now) for token in reversed(found[:SHOWN])]
    return {"tokens": rows, "is_all": len(found) <= SHOWN}


def _branch(token: AccessToken, now: datetime) -> Mapping[str, Any]:
    agent = token.client.agent
    return {
        **_step(token, token.parent),
        "exchanged_from": token.parent_id or "",
        "agent_name": agent.name if agent else token.client.name,
        "is_good": token.expires > now and token.revoked_at is None,
    }


def _hops(line: Sequence[Delegation], now: datetime) -> list[Mapping[str, Any]]:
    return [_hop(each, before, now) for before, each in zip([None, *line], line, strict=False)]


def _around(delegation: Delegation, *, parts: int = MOST_PARTS) -> tuple[list[Delegation], list[Delegation]]:
    """Return the way from the consent to a delegation, and the parts below it, in one query."""
    above = Ancestry.objects.filter(delegation=delegation).values("ancestor")
    below = Ancestry.objects.filter(ancestor=delegation).order_by("delegation__depth", "delegation_id")
    first = Ancestry.objects.filter(pk__in=below.values("pk")[:parts]).values("delegation")
    ids = above.union(first, Delegation.objects.filter(pk=delegation.pk).values("pk"))
    named = Delegation.objects.get_queryset().select_related("agent", "client", "parent")
    found = list(named.filter(pk__in=ids).order_by("depth", "pk"))
    line = [each for each in found if each.depth <= delegation.depth]
    # Whoever asks next what it hangs on has it.
    delegation.line = (delegation, *reversed(line[:-1]))
    return line, [each for each in found if each.depth > delegation.depth]


def _tokens_to(row: AccessToken) -> list[AccessToken]:
    found = [row]
    while found[-1].parent_id and len(found) < MOST_TOKENS:
        found.append(AccessToken.objects.select_related("client").get(pk=found[-1].parent_id))
    return found[::-1]


def _step(token: AccessToken, before: AccessToken | None) -> Mapping[str, Any]:
    lost = set(before.scope.split()) - set(token.scope.split()) if before else set()
    return {
        "jti": token.pk,
        "delegation": token.delegation_id,
        "client_id": token.client.client_id,
        "resource": token.audience,
        "scopes": sorted(token.scope.split()),
        "lost": sorted(lost),
        "issued_at": token.created,
        "expires_at": token.expires,
    }


def _hop(delegation: Delegation, before: Delegation | None, now: datetime) -> Mapping[str, Any]:
    agent = delegation.agent
    hop = Hop(
        delegation=delegation.pk,
        parent=delegation.parent_id or "",
        agent=agent.pk if agent else "",
        agent_name=agent.name if agent else delegation.client.name,
        client_id=delegation.client.client_id,
        resource=delegation.audience,
        scopes=sorted(delegation.scopes),
        lost=sorted(before.scope_set - delegation.scope_set) if before else [],
        expires_at=delegation.expires_at,
        state=_state(delegation, now),
    )
    return {name: value for name, value in asdict(hop).items() if value not in ("", None)}


def _state(delegation: Delegation, now: datetime) -> str:
    if delegation.is_over(now):
        return "ended" if delegation.ended_at else "expired"
    acts = delegation.agent is None or delegation.agent.status == Agent.Status.ACTIVE
    return "live" if acts and delegation.client.status == Client.Status.ACTIVE else "stopped"
