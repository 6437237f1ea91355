"""Delegations as the pages' parts want them: values and words, no rules."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from agents.models import Client
from delegations.models import Delegation
from delegations.rules import may_renew
from delegations.sentence import in_words, place, sentence, stands_on
from delegations.standing import RECALLED
from tenants.models import Membership, Tenant

if TYPE_CHECKING:
    from tokens.impact import UsedDelegation


ALLOWED_BY: Mapping[str, str | Promise] = {
    Delegation.Origin.CONSENT: gettext_lazy("By the person"),
    Delegation.Origin.ADMIN: gettext_lazy("By the organisation"),
    Delegation.Origin.HANDED_ON: gettext_lazy("By another agent"),
    Delegation.Origin.ID_JAG: gettext_lazy("Across domains"),
    Delegation.Origin.WORKLOAD: gettext_lazy("By a platform"),
}


def delegation_row(delegation: "UsedDelegation", *, now: datetime, tenant: Tenant) -> dict[str, Any]:
    """Return one delegation; it carries `last_used_at` and `uses` (tokens.impact.with_use)."""
    zone, agent = tenant.time_zone, delegation.agent
    over_at = _over_at(delegation, now)
    return {
        "id": delegation.pk,
        "person": str(delegation.member) if delegation.member else gettext("itself"),
        "person_email": delegation.member.email if delegation.member else "",
        "agent_id": delegation.agent_id,
        "agent_name": agent.name if agent else delegation.client.name,
        "agent_initials": agent.initials if agent else "?",
        "handed_on_by": delegation.parent.agent.name if delegation.parent and delegation.parent.agent else "",
        "impersonates": impersonates(delegation.client),
        "stands_on": stands_on(delegation),
        "resource_id": delegation.resource_server_id,
        "resource_name": place(delegation) or gettext("Sign-in"),
        "publisher": publisher(delegation.client),
        "is_verified": delegation.client.is_verified,
        "scopes": delegation.titles or [{"title": gettext("Know who you are"), "is_writing": False}],
        "cannot": ", ".join(delegation.cannot[:3]),
        "ends_at": delegation.expires_at,
        "ends": in_words(delegation.expires_at, now=now, time_zone=zone),
        "is_over": delegation.is_over(now),
        "may_renew": may_renew(delegation, now=now),
        "ended_at": over_at,
        "ended": in_words(over_at, now=now, time_zone=zone) if over_at else "",
        "depth": delegation.depth,
        "allowed_by": ALLOWED_BY[delegation.origin],
        "last_used_at": delegation.last_used_at,
        "last_used": in_words(delegation.last_used_at, now=now, time_zone=zone) if delegation.last_used_at else "",
        "uses": delegation.uses,
        "allowed_at": delegation.created_at,
        "origin": delegation.get_origin_display(),
        "sentence": sentence(delegation, now=now, time_zone=zone),
    }


def ended_row(delegation: "UsedDelegation", *, now: datetime, tenant: Tenant, member: Membership) -> dict[str, Any]:
    """Return one delegation that is over."""
    by = gettext("by you") if delegation.ended_by == member.pk else gettext("by its end date")
    if delegation.ended_at and delegation.ended_reason != "expired" and delegation.ended_by != member.pk:
        by = gettext("by the agent or your organisation")
    if delegation.ended_reason == RECALLED and delegation.issuer:
        by = gettext("by %(name)s") % {"name": delegation.issuer.name}
    row = delegation_row(delegation, now=now, tenant=tenant)
    return {**row, "ended_at": delegation.ended_at or delegation.expires_at, "ended_by_words": by}


def _over_at(delegation: "UsedDelegation", now: datetime) -> datetime | None:
    return (delegation.ended_at or delegation.expires_at) if delegation.is_over(now) else None


def impersonates(client: Client) -> bool:
    """Say whether an admin lets a client appear as the person in what it exchanges."""
    return bool(client.exchange_actor == Client.ExchangeActor.NONE)


def publisher(client: Client) -> str:
    """Return who is behind a client, as far as anybody knows."""
    return gettext("In-house") if client.registration_source == client.RegistrationSource.MANUAL else client.host
