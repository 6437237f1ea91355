"""Where authority comes from: the way from the consent to a delegation or a token, and what was lost at each hop.

This is what introspection's `act` cannot say, and what a drawing of the chain needs.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from agents.models import Agent, Client
from delegations.models import Delegation, DelegationQuerySet
from tokens.models import AccessToken

MOST_PARTS = 500
MOST_TOKENS = 32


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
    root = delegation.line[-1]
    return {
        "subject": delegation.subject,
        "origin": root.origin,
        **({"consent": root.consent_id} if root.consent_id else {}),
        "hops": _hops_to(delegation, now),
        "parts": _parts_of(delegation, now),
    }


def of_token(row: AccessToken, *, now: datetime) -> Mapping[str, Any]:
    """Return a token's lineage: its delegation's hops, and the tokens that it was exchanged from, oldest first."""
    tokens = _tokens_to(row)
    return {
        "subject": row.subject,
        "hops": _hops_to(row.delegation, now),
        "tokens": [_step(token, before) for before, token in zip([None, *tokens], tokens, strict=False)],
    }


def _hops_to(delegation: Delegation, now: datetime) -> list[Mapping[str, Any]]:
    ids = [each.pk for each in reversed(delegation.line)]
    held = {each.pk: each for each in _named().filter(pk__in=ids)}
    line = [held[pk] for pk in ids]
    return [_hop(each, before, now) for before, each in zip([None, *line], line, strict=False)]


def _parts_of(delegation: Delegation, now: datetime) -> list[Mapping[str, Any]]:
    parts = _named().filter(ancestry__ancestor=delegation).select_related("parent", "agent", "client")
    return [_hop(part, part.parent, now) for part in parts.order_by("depth", "pk")[:MOST_PARTS]]


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


def _named() -> DelegationQuerySet:
    return Delegation.objects.get_queryset().select_related("agent", "client")


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
