"""The clock of delegations."""

from celery import shared_task
from django.utils import timezone

from audit import leases
from delegations import actions
from kit import context
from tenants.models import Tenant


@shared_task(name="delegations.expire")
def expire_delegations() -> int:
    """Write down which delegations the calendar ended, tenant by tenant."""
    with leases.held("delegations.expire") as mine:
        tenants = Tenant.objects.all() if mine else Tenant.objects.none()
        return sum(_expire(tenant) for tenant in tenants)


def _expire(tenant: Tenant) -> int:
    with context.use(tenant):
        return actions.expire_due(timezone.now())
