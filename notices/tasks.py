"""The clock of notices."""

from celery import shared_task
from django.utils import timezone

from audit import leases
from notices import actions, forgetting, jobs, rounds, sending, watch
from notices.webhooks import actions as webhooks
from notices.webhooks import sending as webhook_sending
from tenants.clock import in_each_tenant


@shared_task(name="notices.read")  # type: ignore[untyped-decorator]  # Celery carries no types.
def read() -> int:
    """Make notices of what was written down, tenant by tenant."""
    with leases.held("notices.read") as mine:
        return in_each_tenant(lambda: actions.read_ledger(timezone.now())) if mine else 0


@shared_task(name="notices.look")  # type: ignore[untyped-decorator]  # Celery carries no types.
def look() -> int:
    """Write down what the calendar tells people of, tenant by tenant."""
    with leases.held("notices.look", seconds=600) as mine:
        return in_each_tenant(_look) if mine else 0


@shared_task(name="notices.send")  # type: ignore[untyped-decorator]  # Celery carries no types.
def send() -> int:
    """Send the notices that are due, tenant by tenant."""
    with leases.held("notices.send", seconds=600) as mine:
        return in_each_tenant(lambda: sending.send_due(timezone.now())) if mine else 0


@shared_task(name="notices.work")  # type: ignore[untyped-decorator]  # Celery carries no types.
def work() -> int:
    """Go on with long work, tenant by tenant."""
    with leases.held("notices.work", seconds=120) as mine:
        return in_each_tenant(jobs.work) if mine else 0


@shared_task(name="notices.deliver")  # type: ignore[untyped-decorator]  # Celery carries no types.
def deliver() -> int:
    """Tell webhooks what is due, tenant by tenant."""
    with leases.held("notices.deliver", seconds=120) as mine:
        return in_each_tenant(lambda: webhook_sending.send_due(timezone.now())) if mine else 0


@shared_task(name="notices.forget_deliveries")  # type: ignore[untyped-decorator]  # Celery carries no types.
def forget_deliveries() -> int:
    """Remove what became of old deliveries, and secrets that sign no more."""
    with leases.held("notices.forget_deliveries") as mine:
        return in_each_tenant(lambda: webhooks.forget_due(timezone.now())) if mine else 0


@shared_task(name="notices.forget")  # type: ignore[untyped-decorator]  # Celery carries no types.
def forget() -> int:
    """Remove mail, work and files that are over, tenant by tenant."""
    with leases.held("notices.forget", seconds=600) as mine:
        return in_each_tenant(lambda: forgetting.forget(timezone.now())) if mine else 0


def _look() -> int:
    now = timezone.now()
    return watch.look(now) + rounds.go(now)
