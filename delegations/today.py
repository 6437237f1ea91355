"""What of a delegation today's rules would not allow any more. Each mint asks them anyway; this says it beforehand."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from delegations.models import Delegation
from tenants.models import Tenant
from tenants.rules import is_here


def flaws(delegation: Delegation, tenant: Tenant, *, offered: Collection[str] | None, now: datetime) -> list[str]:
    """Return in words what stands above today's rules; nothing where all of it could be allowed today.

    `offered` are the scopes that its resource server has now, or None where it is here no more; of a resource
    elsewhere, and of sign-in alone, nothing is asked. The relations of `with_names()` are read.
    """
    return [*_of_people(delegation), *_of_scopes(delegation, offered), *_of_time(delegation, tenant, now)]


def _of_people(delegation: Delegation) -> Iterator[str]:
    member, agent = delegation.member, delegation.agent
    if member is not None and not is_here(member):
        yield "its person has no place here any more"
    elif member is not None and agent is not None and not agent.may_act_for(member):
        yield "the agent was approved for other people"


def _of_scopes(delegation: Delegation, offered: Collection[str] | None) -> Iterator[str]:
    if delegation.resource_server is None:
        return
    if offered is None:
        yield "its resource was retired"
        return
    known = delegation.scope_set & frozenset(offered)
    if gone := delegation.scope_set - known:
        yield f"scopes that are no more: {' '.join(sorted(gone))}"
    agent = delegation.agent
    if agent is not None and (above := known - agent.under_ceiling(delegation.audience, known)):
        yield f"scopes above the agent's ceiling: {' '.join(sorted(above))}"


def _of_time(delegation: Delegation, tenant: Tenant, now: datetime) -> Iterator[str]:
    ends, agent = delegation.expires_at, delegation.agent
    is_agreed = delegation.origin == Delegation.Origin.CONSENT
    if is_agreed and (ends is None or ends > now + timedelta(days=tenant.longest_delegation_days)):
        yield f"it may last {tenant.longest_delegation_days} days at most"
    latest = agent.latest_end(now) if agent is not None else None
    if latest is not None and (ends is None or ends > latest):
        yield "it lasts longer than the agent's approval allows"
