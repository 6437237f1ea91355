"""Stopping somebody or something: the verb of the package that owns it, and what that recalls in other tenants.

Within a tenant every room asks for status, and nothing needs to be told. A tenant cannot ask another's rows: so doors
stop things here, and what stands on them elsewhere ends in the same transaction (`tokens.across.recall`).
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from agents import across, directory, lifecycle, managing, owners
from agents import actions as agents_actions
from agents.models import Agent, AssertionRule, Client
from agents.rules import Verb
from audit.events import Event
from audit.principals import SYSTEM, Kind, Principal
from delegations import actions as delegations_actions
from delegations import reach
from delegations.errors import DelegationOver
from delegations.models import Delegation
from delegations.reach import Reach
from kit import context
from tenants import actions as tenants_actions
from tenants import members, pausing, resources
from tenants.models import Membership, ResourceServer, Tenant
from tokens import actions
from tokens.across import recall
from tokens.models import RefreshToken
from trust import actions as trust_actions
from trust.models import Audience

RULE_GONE = "the rule that allowed it was taken back"


@transaction.atomic
def pause_agent(agent: Agent, *, by: Principal, reason: str, version: int | None = None) -> None:
    """Pause an agent, here and wherever its grants were taken; raises NotActive or Stale."""
    agents_actions.suspend_agent(agent, by=by, reason=reason, version=version)
    recall.withdraw(_crossing().filter(agent=agent))


@transaction.atomic
def pause_alone(agent: Agent) -> bool:
    """Pause an agent whom nobody answers for, here and wherever its grants were taken; say whether it was still so."""
    if not owners.suspend_alone(agent):
        return False
    recall.withdraw(_crossing().filter(agent=agent))
    return True


@transaction.atomic
def retire_agent(agent: Agent, *, by: Principal, reason: str, version: int | None = None) -> None:
    """End an agent, restorable for thirty days, here and wherever its grants were taken.

    Raises NotActive or Stale.
    """
    lifecycle.retire_agent(agent, by=by, reason=reason, version=version)
    recall.withdraw(_crossing().filter(agent=agent))


@transaction.atomic
def end_for_good(agent: Agent, *, now: datetime) -> bool:
    """Take an ended agent's credentials, and write down that all it was allowed is over; say whether this call did."""
    if not lifecycle.end_for_good(agent, now=now):
        return False
    _end_all(
        Delegation.objects.filter(agent=agent), RefreshToken.objects.filter(client__agent=agent), SYSTEM, lifecycle.OVER
    )
    return True


@transaction.atomic
def disable_client(client: Client, *, by: Principal, reason: str, version: int | None = None) -> None:
    """Switch a client off, here and wherever its grants were taken; raises NotActive."""
    agents_actions.disable_client(client, by=by, reason=reason, version=version)
    recall.withdraw(_crossing().filter(client=client))


@transaction.atomic
def remove_client(client: Client, *, by: Principal, reason: str, version: int | None = None) -> None:
    """Take one of an agent's clients away, with all that was allowed to it; raises NotActive or Stale."""
    disable_client(client, by=by, reason=reason, version=version)
    _end_all(Delegation.objects.filter(client=client), RefreshToken.objects.filter(client=client), by, reason)


@transaction.atomic
def unregister(client: Client, *, by: Principal, reason: str, event: Event = Event.CLIENT_UNREGISTERED) -> None:
    """End a client that registered itself: what it was allowed, its token families, itself (RFC 7592 §2.3).

    Raises NotActive where somebody else ended it at the same moment. The client goes first, so that nothing is minted
    for it while the rest is ended.
    """
    managing.retire(client, by=by, reason=reason, event=event)
    _end_all(Delegation.objects.filter(client=client), RefreshToken.objects.filter(client=client), by, reason)


@transaction.atomic
def close_membership(member: Membership, *, by: Principal, reason: str) -> None:
    """Close a person's place, here and wherever agents crossed for them; raises NotActive."""
    tenants_actions.suspend_member(member, by=by, reason=reason)
    recall.withdraw(_crossing().filter(member=member))


@transaction.atomic
def remove_member(
    member: Membership,
    *,
    by: Membership,
    reason: str,
    agents_to: Membership | None = None,
    version: int | None = None,
) -> None:
    """Close a person's place and end what they let act for them; somebody named takes their agents over.

    Raises what `members.remove` raises, or Unusable for whoever cannot take over. Without anybody the clock lets their
    successors follow.
    """
    principal = Principal(Kind.USER, by.pk, by.name)
    members.remove(member, by=by, reason=reason, version=version)
    if agents_to is not None:
        owners.hand_over(member, agents_to, by=principal)
    actions.end_all(member, by=principal, reason=reason)
    recall.withdraw(_crossing().filter(member=member))


@transaction.atomic
def retire_resource(server: ResourceServer, *, by: Principal, reason: str, version: int | None = None) -> None:
    """Make no more tokens for a resource server, and answer it nothing about those that are out."""
    resources.retire_resource(server, by=by, reason=reason, version=version)
    _read_anew(server)


@transaction.atomic
def restore_resource(server: ResourceServer, *, by: Principal, version: int | None = None) -> None:
    """Bring a resource server back, with what was allowed there."""
    resources.restore_resource(server, by=by, version=version)
    _read_anew(server)


def _read_anew(server: ResourceServer) -> None:
    """Make every process look again at the clients that introspect for a resource server."""
    Client.objects.filter(resource_server=server).update(version=F("version") + 1)
    transaction.on_commit(directory.forget_all)


@transaction.atomic
def close_tenant(tenant: Tenant, *, by: Principal, reason: str) -> None:
    """Stop serving a tenant, and whatever its word holds up in others; raises NotActive."""
    tenants_actions.suspend_tenant(tenant, by=by, reason=reason)
    with context.use(tenant):
        recall.withdraw(_crossing())


@transaction.atomic
def pause_tenant(tenant: Tenant, *, by: Principal, name: str, reason: str) -> None:
    """Pause a tenant, and end whatever its word holds up in others; raises Unusable, or NotActive."""
    pausing.pause_tenant(tenant, by=by, name=name, reason=reason)
    with context.use(tenant):
        recall.withdraw(_crossing())


@transaction.atomic
def forbid_across(rule: AssertionRule, *, by: Principal) -> None:
    """Take back a rule, and end what was allowed by it."""
    allowed = _crossing().filter(client=rule.client_id, elsewhere=rule.audience_id, audience=rule.resource)
    across.forbid_across(rule, by=by)
    for delegation in list(allowed):
        try:
            actions.end_delegation(delegation, by=by, reason=RULE_GONE)
        except DelegationOver:
            continue  # Somebody else ended it at the same moment.


@transaction.atomic
def change_policy(
    tenant: Tenant, *, by: Principal, version: int | None = None, **fields: str | int | list[str]
) -> Tenant:
    """Change a tenant's settings, and what stands longer than it may now; raises Unusable, or Stale.

    Every other setting is asked when it is used: there is nothing to end.
    """
    changed = tenants_actions.change_policy(tenant, by=by, version=version, **fields)
    if "longest_delegation_days" in fields:
        with context.use(changed):
            delegations_actions.shorten(timezone.now() + timedelta(days=changed.longest_delegation_days), by=by)
    return changed


def foresee_policy(tenant: Tenant, **fields: Any) -> Reach:
    """Return whose access would end earlier by these settings; raises Unusable as `change_policy`."""
    now = timezone.now()
    with context.use(tenant):
        tenants_actions.check_settings(fields)
        days = fields.get("longest_delegation_days", tenant.longest_delegation_days)
        return reach.beyond(now + timedelta(days=days), now=now)


@transaction.atomic
def allow_across(
    client: Client,
    audience: Audience,
    resource: str,
    scopes: Iterable[str],
    *,
    by: Principal,
    members: Iterable[Membership] = (),
    groups: Iterable[str] = (),
    everyone: bool = False,
) -> AssertionRule:
    """Let a client get grants for a resource elsewhere; what an earlier word allowed beyond this one is recalled.

    Before the word is saved: what ends after it would stay ended until the next one. Raises Unusable.
    """
    named, people, among = list(scopes), list(members), list(groups)
    rule = AssertionRule(members=[each.pk for each in people], groups=among, everyone=everyone)
    crossing = _crossing().filter(client=client, elsewhere=audience, audience=resource)
    for each in list(crossing.select_related("elsewhere", "member")):
        if each.member is not None and not rule.names(each.member):
            actions.end_delegation(each, by=by, reason=RULE_GONE)
        elif each.scope_set - set(named):
            recall.withdraw([each])
    return across.allow_across(
        client, audience, resource, named, by=by, members=people, groups=among, everyone=everyone
    )


@transaction.atomic
def change_audience(
    audience: Audience, *, by: Principal, version: int | None = None, reason: str = "", **fields: Any
) -> Audience:
    """Change what grants for another server may say, and recall what was made of them where that is nothing now."""
    changed = trust_actions.change_audience(audience, by=by, version=version, reason=reason, **fields)
    kept = changed.resources if changed.is_enabled else {}
    crossing = _crossing().filter(elsewhere=changed)
    recall.withdraw([each for each in crossing if each.scope_set - set(kept.get(each.audience, ()))])
    return changed


ON_AGENTS: Mapping[Verb, Callable[..., None]] = {
    Verb.PAUSE: pause_agent,
    Verb.RESUME: agents_actions.resume_agent,
    Verb.RETIRE: retire_agent,
    Verb.RESTORE: lifecycle.restore_agent,
}
"""What both doors call for a verb: with the agent, `by`, `reason` and `version`."""


def _end_all(
    delegations: "QuerySet[Delegation]", families: "QuerySet[RefreshToken]", by: Principal, reason: str
) -> None:
    live = Delegation.objects.live(timezone.now()).filter(pk__in=delegations.values("pk"))
    for delegation in live.order_by("depth", "pk"):
        try:
            actions.end_delegation(delegation, by=by, reason=reason)
        except DelegationOver:
            continue  # It ended with the one above it.
    for family in families.filter(revoked=None).values_list("pk", flat=True):
        actions.revoke_family(family, by=by, reason=reason)


def _crossing() -> "QuerySet[Delegation]":
    return Delegation.objects.filter(elsewhere__isnull=False, ended_at=None).select_related("elsewhere")
