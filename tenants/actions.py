"""The verbs of this app: create and suspend tenants, add members and resource servers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from audit.events import Event
from audit.ledger import record
from audit.principals import SYSTEM, Principal
from kit import context, uris
from tenants import directory, sign_ins
from tenants.errors import Fixed, NotActive, ResourceTaken, SlugTaken, Stale, Unusable
from tenants.models import Membership, ResourceServer, Scope, Tenant, User
from tenants.rules import check_policy, check_scope, is_scope_name, is_slug

POLICY = frozenset(
    {
        "environment",
        "registration",
        "registration_needs_token",
        "documents",
        "workloads",
        "device_codes",
        "trusted_networks",
        "admitted_hosts",
        "access_token_seconds",
        "longest_delegation_days",
        "consent_choices",
        "handing_on",
        "deepest_chain",
        "key_days",
        "owner_grace_days",
        "unused_days",
        "default_resource",
        "time_zone",
        "language",
        "keep_days",
        "accent",
        "accent_dark",
    }
)
"""What an admin may change of a tenant."""


@dataclass(frozen=True, slots=True)
class ScopeWords:
    """A scope as an admin describes it."""

    name: str
    title: str
    description: str = ""
    is_writing: bool = False
    is_default: bool = False
    is_needed: bool = False
    weight: str = ""
    cannot: str = ""
    longest_seconds: int | None = None
    is_delegable: bool = True


@transaction.atomic
def create_tenant(slug: str, name: str, *, by: Principal) -> Tenant:
    """Create a tenant; raises SlugTaken, and ValueError for a slug that cannot stand in a URL."""
    if not is_slug(slug):
        raise ValueError("a slug has 2 to 40 characters of a-z, 0-9 and -")
    try:
        with transaction.atomic():
            tenant = Tenant.objects.create(slug=slug, name=name)
    except IntegrityError as error:
        raise SlugTaken(slug) from error
    with context.use(tenant):
        record(Event.TENANT_CREATED, by=by, about=tenant)
    return tenant


@transaction.atomic
def suspend_tenant(tenant: Tenant, *, by: Principal, reason: str) -> None:
    """Stop serving a tenant: from the commit on nothing is issued and nothing is active."""
    served = (Tenant.Status.ACTIVE, Tenant.Status.PAUSED)
    changed = Tenant.objects.filter(pk=tenant.pk, status__in=served).update(
        status=Tenant.Status.SUSPENDED, version=F("version") + 1
    )
    if not changed:
        raise NotActive(tenant.slug)
    with context.use(tenant):
        record(Event.TENANT_SUSPENDED, by=by, about=tenant, reason=reason)
    transaction.on_commit(directory.forget_all)


@transaction.atomic
def change_policy(
    tenant: Tenant, *, by: Principal, version: int | None = None, **fields: str | int | list[str] | dict[str, int]
) -> Tenant:
    """Change what an admin may change of a tenant (`POLICY`); raises BadSetting, Fixed or Stale.

    The entry says what it was and what it is now, setting by setting: `changes`. Nothing is written where all of it is
    as it was.
    """
    with context.use(tenant):
        before = Tenant.objects.select_for_update().get(pk=tenant.pk)
        check_settings(fields)
        if version is not None and before.version != version:
            raise Stale(before)
        changes = _changes(before, fields)
        if not changes:
            return before
        _check_free(before, changes, by)
        Tenant.objects.filter(pk=tenant.pk).update(version=F("version") + 1, **fields)
        record(Event.TENANT_POLICY_CHANGED, by=by, about=tenant, detail={"changes": changes})
    transaction.on_commit(directory.forget_all)
    return Tenant.objects.get(pk=tenant.pk)


def check_settings(fields: Mapping[str, Any]) -> None:
    """Check what an admin wants to change of the current tenant; raises Unusable."""
    if unknown := fields.keys() - POLICY:
        raise Unusable(_("There is no such setting: %(words)s.") % {"words": ", ".join(sorted(unknown))})
    served = ResourceServer.objects.filter(retired_at=None).values_list("identifier", flat=True)
    check_policy(fields, resources=served)


@transaction.atomic
def add_member(user: User, role: str, *, by: Principal) -> Membership:
    """Give a person a place in the current tenant."""
    member = Membership.objects.create(user=user, role=role)
    record(Event.MEMBER_ADDED, by=by, about=member, detail={"role": role})
    return member


@transaction.atomic
def welcome_member(member: Membership, user: User, *, by: Principal) -> None:
    """Give a new person the place that was planned for them in the current tenant."""
    member.user = user
    member.save(force_insert=True)
    record(Event.MEMBER_ADDED, by=by, about=member, detail={"role": member.role})


@transaction.atomic
def set_groups(member: Membership, groups: Iterable[str], *, by: Principal) -> None:
    """Say which groups a person is in: policies speak of them."""
    named = sorted(set(groups))
    Membership.objects.filter(pk=member.pk).update(groups=named)
    record(Event.MEMBER_GROUPS_CHANGED, by=by, about=member, detail={"groups": named})


@transaction.atomic
def suspend_member(member: Membership, *, by: Principal, reason: str) -> None:
    """Close a person's place in the current tenant; tokens about them are refused from the commit on."""
    changed = Membership.objects.filter(pk=member.pk, status=Membership.Status.ACTIVE).update(
        status=Membership.Status.SUSPENDED
    )
    if not changed:
        raise NotActive(member.pk)
    sign_ins.end_all(member)
    record(Event.MEMBER_SUSPENDED, by=by, about=member, reason=reason)


@transaction.atomic
def add_resource_server(
    identifier: str,
    name: str,
    scopes: Sequence[ScopeWords],
    *,
    by: Principal,
    kind: str = ResourceServer.Kind.API,
    signing_algorithm: str = "ES256",
    hosts_metadata: bool = False,
    token_format: str = ResourceServer.TokenFormat.JWT,
    asks_each_time: bool = False,
) -> ResourceServer:
    """Register an API or MCP server in the current tenant; raises Unusable, or ResourceTaken."""
    _check_offer(identifier, scopes)
    server = ResourceServer(
        identifier=uris.canonical_resource(identifier),
        name=name,
        kind=kind,
        signing_algorithm=signing_algorithm,
        hosts_metadata=hosts_metadata,
        token_format=token_format,
        asks_each_time=asks_each_time,
    )
    try:
        with transaction.atomic():
            server.save(force_insert=True)
    except IntegrityError as error:
        raise _taken(server.identifier) from error
    Scope.objects.bulk_create(
        Scope(
            resource_server=server,
            position=position,
            **{field: getattr(words, field) for field in ScopeWords.__dataclass_fields__},
        )
        for position, words in enumerate(scopes)
    )
    record(Event.RESOURCE_SERVER_ADDED, by=by, about=server, detail={"identifier": server.identifier})
    transaction.on_commit(directory.forget_all)
    return server


def _taken(identifier: str) -> ResourceTaken:
    there = ResourceServer.objects.get(identifier=identifier)
    words = _("%(name)s has this identifier already.")
    if there.retired_at is not None:
        words = _("%(name)s has this identifier already, and is retired: restore it instead.")
    return ResourceTaken(there.pk, words % {"name": there.name})


def _check_offer(identifier: str, scopes: Sequence[ScopeWords]) -> None:
    if not uris.is_resource_identifier(identifier):
        raise Unusable(_("A resource identifier is an absolute URI without fragment."))
    names = {words.name for words in scopes}
    if len(names) != len(scopes) or not all(map(is_scope_name, names)):
        words = _("A scope is named once, without spaces, quotes or backslashes, and as none of OpenID Connect.")
        raise Unusable(words)
    for each in scopes:
        check_scope(each.is_writing, each.weight, each.longest_seconds)


def move_version() -> None:
    """Make every process read the current tenant's policy anew before it mints again: the mint compares versions."""
    Tenant.objects.filter(pk=context.require_id()).update(version=F("version") + 1)
    transaction.on_commit(directory.forget_all)


def _changes(before: Tenant, after: Mapping[str, str | int | list[str] | dict[str, int]]) -> list[dict[str, str]]:
    moved = ((name, getattr(before, name), value) for name, value in sorted(after.items()))
    return [{"setting": name, "before": _text(was), "after": _text(now)} for name, was, now in moved if was != now]


def _check_free(before: Tenant, changes: Sequence[Mapping[str, str]], by: Principal) -> None:
    """Raise Fixed where somebody changes what only the operator does."""
    named = next((each["setting"] for each in changes if each["setting"] in before.fixed), None)
    if named is not None and by != SYSTEM:
        raise Fixed(named, _("Whoever runs this installation fixed it."))


def _text(value: str | int | list[str] | dict[str, int]) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {each}" for name, each in sorted(value.items()))
    return ", ".join(value) if isinstance(value, list) else str(value)


def as_read(version: int | None) -> dict[str, int]:
    """Return what an UPDATE looks for besides the row: the version that was read, where one is named."""
    return {} if version is None else {"version": version}
