"""The verbs of this app: create and suspend tenants, add members and resource servers."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import F

from audit.events import Event
from audit.ledger import record
from audit.principals import Principal
from kit import context, uris
from tenants import directory
from tenants.errors import NotActive, SlugTaken
from tenants.models import Membership, ResourceServer, Scope, Tenant, User
from tenants.rules import LONGEST_ACCESS_TOKEN, is_slug

POLICY = frozenset(
    {
        "registration",
        "documents",
        "access_token_seconds",
        "longest_delegation_days",
        "default_resource",
        "time_zone",
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
    changed = Tenant.objects.filter(pk=tenant.pk, status=Tenant.Status.ACTIVE).update(
        status=Tenant.Status.SUSPENDED, version=F("version") + 1
    )
    if not changed:
        raise NotActive(tenant.slug)
    with context.use(tenant):
        record(Event.TENANT_SUSPENDED, by=by, about=tenant, reason=reason)
    transaction.on_commit(directory.forget_all)


@transaction.atomic
def change_policy(tenant: Tenant, *, by: Principal, **fields: str | int) -> Tenant:
    """Change a tenant's policy fields (registration, lifetimes, default resource)."""
    if unknown := fields.keys() - POLICY:
        raise ValueError(f"not a policy: {', '.join(sorted(unknown))}")
    if not 1 <= int(fields.get("access_token_seconds", 1)) <= LONGEST_ACCESS_TOKEN:
        raise ValueError(f"an access token lives for 1 to {LONGEST_ACCESS_TOKEN} seconds")
    Tenant.objects.filter(pk=tenant.pk).update(version=F("version") + 1, **fields)
    with context.use(tenant):
        record(Event.TENANT_POLICY_CHANGED, by=by, about=tenant, detail=fields)
    transaction.on_commit(directory.forget_all)
    return Tenant.objects.get(pk=tenant.pk)


@transaction.atomic
def add_member(user: User, role: str, *, by: Principal) -> Membership:
    """Give a person a place in the current tenant."""
    member = Membership.objects.create(user=user, role=role)
    record(Event.MEMBER_ADDED, by=by, about=member, detail={"role": role})
    return member


@transaction.atomic
def suspend_member(member: Membership, *, by: Principal, reason: str) -> None:
    """Close a person's place in the current tenant; tokens about them are refused from the commit on."""
    changed = Membership.objects.filter(pk=member.pk, status=Membership.Status.ACTIVE).update(
        status=Membership.Status.SUSPENDED
    )
    if not changed:
        raise NotActive(member.pk)
    record(Event.MEMBER_SUSPENDED, by=by, about=member, reason=reason)


@transaction.atomic
def add_resource_server(
    identifier: str,
    name: str,
    scopes: Sequence[ScopeWords],
    *,
    by: Principal,
    signing_algorithm: str = "ES256",
    hosts_metadata: bool = False,
) -> ResourceServer:
    """Register an API or MCP server in the current tenant; raises ValueError for a malformed identifier."""
    if not uris.is_resource_identifier(identifier):
        raise ValueError("a resource identifier is an absolute URI without fragment")
    server = ResourceServer.objects.create(
        identifier=uris.canonical_resource(identifier),
        name=name,
        signing_algorithm=signing_algorithm,
        hosts_metadata=hosts_metadata,
    )
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
