"""The clock's own pulse."""

from celery import shared_task

from audit import leases


@shared_task(name="remit.tick")
def tick() -> None:
    """Leave a trace of the clock, for /readyz."""
    with leases.held("tick"):
        pass
