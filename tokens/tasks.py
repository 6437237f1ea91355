"""The clock of keys and requests."""

from celery import shared_task
from django.utils import timezone

from audit import leases
from audit.principals import SYSTEM
from kit import context
from tenants.models import Tenant
from tokens import actions, rotation


@shared_task(name="tokens.rotate_keys")
def rotate_keys() -> int:
    """Publish, activate and destroy the keys that are due, tenant by tenant."""
    with leases.held("tokens.rotate_keys") as mine:
        return sum(_rotate(tenant) for tenant in Tenant.objects.all()) if mine else 0


@shared_task(name="tokens.forget_requests")
def forget_requests() -> int:
    """Remove authorization requests that are over, tenant by tenant."""
    with leases.held("tokens.forget_requests") as mine:
        return sum(_forget(tenant) for tenant in Tenant.objects.all()) if mine else 0


def _rotate(tenant: Tenant) -> int:
    with context.use(tenant):
        return rotation.rotate_due(timezone.now(), by=SYSTEM)


def _forget(tenant: Tenant) -> int:
    with context.use(tenant):
        return actions.forget_requests(timezone.now())
