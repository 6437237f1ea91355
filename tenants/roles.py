"""What each role lets a person do: the one table, asked by pages and by the API alike."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from django.db.models import Q

from tenants.models import Membership

_Role = Membership.Role


class Act(StrEnum):
    """Something that takes a role."""

    AGENTS_READ = "agents:read"
    AGENTS_PAUSE = "agents:pause"
    AGENTS_WRITE = "agents:write"
    CLIENTS_READ = "clients:read"
    CLIENTS_WRITE = "clients:write"
    CREDENTIALS_READ = "credentials:read"
    CREDENTIALS_WRITE = "credentials:write"
    APPROVALS_READ = "approvals:read"
    APPROVALS_DECIDE = "approvals:decide"
    TRUST_READ = "trust:read"
    TRUST_WRITE = "trust:write"
    REGISTRATION_READ = "registration:read"
    REGISTRATION_WRITE = "registration:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    RESOURCES_READ = "resources:read"
    RESOURCES_WRITE = "resources:write"
    RESOURCES_RETIRE = "resources:retire"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    ADMINS_APPOINT = "admins:appoint"
    SETTINGS_READ = "settings:read"
    SETTINGS_WRITE = "settings:write"
    EVENTS_READ = "events:read"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    JOBS_READ = "jobs:read"
    DELEGATIONS_END = "delegations:end"
    VIEWS_SHARE = "views:share"
    TENANT_PAUSE = "tenant:pause"


_LOOK = frozenset(act for act in Act if act.value.endswith(":read"))

TABLE: Mapping[str, frozenset[Act]] = {
    _Role.ADMIN: frozenset(Act),
    # All but making somebody as mighty as an admin, or less so, and stopping everything.
    _Role.SECURITY: frozenset(Act) - {Act.ADMINS_APPOINT, Act.TENANT_PAUSE},
    _Role.APPROVER: _LOOK | {Act.APPROVALS_DECIDE},
    _Role.DEVELOPER: frozenset({Act.RESOURCES_READ, Act.RESOURCES_WRITE}),
    _Role.AUDITOR: _LOOK,
    _Role.MEMBER: frozenset(),
}


def may(member: Membership, act: Act) -> bool:
    """Say whether a member's role lets them do something."""
    return act in TABLE.get(member.role_now, frozenset())


def covers(role: str, other: str) -> bool:
    """Say whether whoever has a role may do all that another lets one do; what is no role lets nobody do anything."""
    return TABLE.get(other, frozenset()) <= TABLE.get(role, frozenset())


def holders(act: Act) -> list[Membership.Role]:
    """Return the roles that let one do something, the least mighty first."""
    return sorted((_Role(role) for role, acts in TABLE.items() if act in acts), key=lambda role: len(TABLE[role]))


def who_may(act: Act, *, now: datetime) -> Q:
    """Return the condition on memberships whose role lets them do something at a moment."""
    roles = [role for role, acts in TABLE.items() if act in acts]
    return Q(role__in=roles) & (Q(role_until=None) | Q(role_until__gt=now))
