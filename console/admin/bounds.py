"""What keeps a delegation from being more or lasting longer, whatever its person allows."""

from collections.abc import Mapping
from typing import Any

from agents.models import Agent
from console.admin import ceilings
from delegations.models import Delegation
from tenants.models import Tenant


def of(delegation: Delegation, tenant: Tenant) -> Mapping[str, Any]:
    """Return it in words; what bounds nothing is empty, and `is_bounded` says whether there is a ceiling."""
    agent = delegation.agent
    own = _of_agent(agent, delegation.audience) if agent is not None else {}
    return {
        **own,
        "days": tenant.longest_delegation_days,
        "handing_on": tenant.get_handing_on_display(),
        "is_handed_on": tenant.handing_on != Tenant.Handing.OFF,
        "deepest": tenant.deepest_chain,
    }


def _of_agent(agent: Agent, audience: str) -> Mapping[str, Any]:
    known = ceilings.approved(agent)
    there = sorted((agent.ceiling or {}).get(audience, ()))
    return {
        "agent_id": agent.pk,
        "is_bounded": agent.ceiling is not None,
        "at_most": ceilings.at(audience, there)["scopes"],
        "is_anybody": known["is_anybody"],
        "longest": known["longest"],
        "until": known["until"],
    }
