"""The clock's own pulse, and what belongs to no tenant."""

from celery import shared_task
from django.utils import timezone

from audit import leases
from remit import forgetting
from tenants import sign_ins
from tenants.clock import in_each_tenant


@shared_task(name="remit.tick")  # type: ignore[untyped-decorator]  # Celery carries no types.
def tick() -> None:
    """Leave a trace of the clock, for /readyz, and tell operators of runs that never ended."""
    with leases.held("remit.tick") as mine:
        if mine:
            leases.tell_of_lost(timezone.now())


@shared_task(name="remit.forget_sessions")  # type: ignore[untyped-decorator]  # Celery carries no types.
def forget_sessions() -> int:
    """Remove sessions that are over, and then, tenant by tenant, what was kept of their sign-ins."""
    with leases.held("remit.forget_sessions") as mine:
        if not mine:
            return 0
        return forgetting.forget_sessions(timezone.now()) + in_each_tenant(lambda: sign_ins.forget(timezone.now()))
