"""The clock of trust: keys are fetched before anybody has to wait for them, and used assertions forgotten."""

from celery import shared_task
from django.utils import timezone

from audit import leases
from tenants.clock import in_each_tenant
from trust import actions, keys


@shared_task(name="trust.refresh_keys")  # type: ignore[untyped-decorator]  # Celery carries no types.
def refresh_keys() -> int:
    """Fetch the keys of issuers that will soon be asked for, tenant by tenant."""
    with leases.held("trust.refresh_keys") as mine:
        return in_each_tenant(lambda: keys.refresh_due(timezone.now())) if mine else 0


@shared_task(name="trust.forget_used")  # type: ignore[untyped-decorator]  # Celery carries no types.
def forget_used() -> int:
    """Remove assertions that could not be accepted again anyway, tenant by tenant."""
    with leases.held("trust.forget_used") as mine:
        return in_each_tenant(lambda: actions.forget_used(timezone.now())) if mine else 0
