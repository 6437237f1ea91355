"""Delegations as the pages' parts want them: values and words, no rules."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from agents.models import Client
from delegations.sentence import in_words, sentence
from tenants.models import Membership, Tenant

if TYPE_CHECKING:
    from tokens.impact import UsedDelegation


def delegation_row(delegation: "UsedDelegation", *, now: datetime, tenant: Tenant) -> dict[str, Any]:
    """Return one delegation; it carries `last_used_at` and `uses` (tokens.impact.with_use)."""
    zone = tenant.time_zone
    agent = delegation.agent
    return {
        "id": delegation.pk,
        "person": str(delegation.member) if delegation.member else "itself",
        "person_email": delegation.member.email if delegation.member else "",
        "agent_name": agent.name if agent else delegation.client.name,
        "agent_initials": agent.initials if agent else "?",
        "handed_on_by": delegation.parent.agent.name if delegation.parent and delegation.parent.agent else "",
        "impersonates": impersonates(delegation.client),
        "resource_name": delegation.resource_server.name if delegation.resource_server else "Sign-in",
        "publisher": publisher(delegation.client),
        "is_verified": delegation.client.is_verified,
        "scopes": delegation.titles or [{"title": "Know who you are", "is_writing": False}],
        "cannot": ", ".join(delegation.cannot[:3]),
        "ends_at": delegation.expires_at,
        "ends": in_words(delegation.expires_at, now=now, time_zone=zone),
        "last_used_at": delegation.last_used_at,
        "last_used": in_words(delegation.last_used_at, now=now, time_zone=zone) if delegation.last_used_at else "",
        "uses": delegation.uses,
        "allowed_at": delegation.created_at,
        "origin": delegation.get_origin_display(),
        "sentence": sentence(delegation, now=now, time_zone=zone),
    }


def ended_row(delegation: "UsedDelegation", *, now: datetime, tenant: Tenant, member: Membership) -> dict[str, Any]:
    """Return one delegation that is over."""
    by = "by you" if delegation.ended_by == member.pk else "by its end date"
    if delegation.ended_at and delegation.ended_reason != "expired" and delegation.ended_by != member.pk:
        by = "by the agent or your organisation"
    row = delegation_row(delegation, now=now, tenant=tenant)
    return {**row, "ended_at": delegation.ended_at or delegation.expires_at, "ended_by_words": by}


def impersonates(client: Client) -> bool:
    """Say whether an admin lets a client appear as the person in what it exchanges."""
    return bool(client.exchange_actor == Client.ExchangeActor.NONE)


def publisher(client: Client) -> str:
    """Return who is behind a client, as far as anybody knows."""
    return "In-house" if client.registration_source == client.RegistrationSource.MANUAL else client.host
