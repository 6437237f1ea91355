"""The clock of keys and requests."""

from celery import shared_task
from django.utils import timezone

from agents import actions as agent_actions
from audit import leases
from audit.principals import SYSTEM
from tenants.clock import in_each_tenant
from tokens import actions, rotation


@shared_task(name="tokens.rotate_keys")  # type: ignore[untyped-decorator]  # Celery carries no types.
def rotate_keys() -> int:
    """Publish, activate and destroy the keys that are due, tenant by tenant."""
    with leases.held("tokens.rotate_keys") as mine:
        return in_each_tenant(lambda: rotation.rotate_due(timezone.now(), by=SYSTEM)) if mine else 0


@shared_task(name="tokens.forget_requests")  # type: ignore[untyped-decorator]  # Celery carries no types.
def forget_requests() -> int:
    """Remove authorization requests and used assertions that are over, tenant by tenant."""
    with leases.held("tokens.forget_requests") as mine:
        return in_each_tenant(_forget) if mine else 0


def _forget() -> int:
    now = timezone.now()
    return actions.forget_requests(now) + agent_actions.forget_assertions(now)
