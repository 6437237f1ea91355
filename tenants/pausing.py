"""Pausing a tenant and resuming it: what its own admins do, and take back (docs/decisions/0037).

An operator's `suspend_tenant` is another thing: it says that there is no such tenant, and no admin undoes it.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from audit.events import Event
from audit.ledger import record
from audit.models import Entry
from audit.principals import Principal
from kit import context
from tenants import directory
from tenants.errors import NotActive, Unusable
from tenants.models import Tenant


@transaction.atomic
def pause_tenant(tenant: Tenant, *, by: Principal, name: str, reason: str) -> None:
    """Issue nothing and accept nothing from the commit on; raises Unusable where its name is another, or NotActive."""
    _check_name(tenant, name)
    if not _move(tenant, Tenant.Status.ACTIVE, Tenant.Status.PAUSED):
        raise NotActive(tenant.slug)
    with context.use(tenant):
        record(Event.TENANT_PAUSED, by=by, about=tenant, reason=reason)


@transaction.atomic
def resume_tenant(tenant: Tenant, *, by: Principal) -> None:
    """Serve it again, with all that was allowed there; raises NotActive where it is not paused."""
    if not _move(tenant, Tenant.Status.PAUSED, Tenant.Status.ACTIVE):
        raise NotActive(tenant.slug)
    with context.use(tenant):
        record(Event.TENANT_RESUMED, by=by, about=tenant)


@transaction.atomic
def remove_tenant(tenant: Tenant, *, by: Principal, name: str, reason: str) -> None:
    """Let a paused tenant be as if it never was; raises Unusable where its name is another, or NotActive.

    An operator's alone (docs/decisions/0048). Its rows stay, and its address is given to nobody else.
    """
    _check_name(tenant, name)
    if not _move(tenant, Tenant.Status.PAUSED, Tenant.Status.DELETED):
        raise NotActive(tenant.slug)
    with context.use(tenant):
        record(Event.TENANT_REMOVED, by=by, about=tenant, reason=reason)


def is_paused() -> bool:
    """Say whether the current tenant is paused, as the database has it at this moment."""
    return Tenant.objects.filter(pk=context.require_id(), status=Tenant.Status.PAUSED).exists()


def stood_still(since: datetime) -> bool:
    """Say whether the current tenant is not served, or was paused until some moment after another."""
    is_served = Tenant.objects.filter(pk=context.require_id(), status=Tenant.Status.ACTIVE).exists()
    return not is_served or Entry.objects.filter(event=Event.TENANT_RESUMED, at__gt=since).exists()


def last_pause() -> Entry | None:
    """Return who paused the current tenant last, when and why."""
    return Entry.objects.filter(event=Event.TENANT_PAUSED).order_by("-pk").first()


def _check_name(tenant: Tenant, name: str) -> None:
    if " ".join(name.split()) != " ".join(tenant.name.split()):
        raise Unusable(_("The name is %(name)s. Type it as it stands there.") % {"name": tenant.name})


def _move(tenant: Tenant, before: str, after: str) -> bool:
    moved = Tenant.objects.filter(pk=tenant.pk, status=before).update(status=after, version=F("version") + 1)
    transaction.on_commit(directory.forget_all)
    return bool(moved)
