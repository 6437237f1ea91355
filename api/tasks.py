"""The clock of this door."""

from celery import shared_task
from django.utils import timezone

from api import idempotency
from audit import leases
from tenants.clock import in_each_tenant


@shared_task(name="api.forget_answers")  # type: ignore[untyped-decorator]  # Celery carries no types.
def forget_answers() -> int:
    """Remove what was kept for a day."""
    with leases.held("api.forget_answers") as mine:
        return in_each_tenant(lambda: idempotency.forget_due(timezone.now())) if mine else 0
