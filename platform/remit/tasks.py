"""The clock's own pulse."""

from celery import shared_task

from audit import leases


@shared_task(name="remit.tick")  # type: ignore[untyped-decorator]  # Celery carries no types.
def tick() -> None:
    """Leave a trace of the clock, for /readyz."""
    with leases.held("tick"):
        pass
