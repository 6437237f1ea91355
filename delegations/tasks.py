"""The clock of delegations."""

from celery import shared_task
from django.utils import timezone

from audit import leases
from delegations import actions
from tenants.clock import in_each_tenant


@shared_task(name="delegations.expire")  # type: ignore[untyped-decorator]  # Celery carries no types.
def expire_delegations() -> int:
    """Write down which delegations the calendar ended, tenant by tenant."""
    with leases.held("delegations.expire") as mine:
        return in_each_tenant(lambda: actions.expire_due(timezone.now())) if mine else 0
