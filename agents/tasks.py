"""The clock of agents: pictures, questions that nobody decides, approvals and roles that end, who answers for them."""

from celery import shared_task
from django.utils import timezone

from agents import lapsing, logos, owners, turning
from audit import leases
from tenants import members
from tenants.clock import in_each_tenant


@shared_task(name="agents.fetch_logos")  # type: ignore[untyped-decorator]  # Celery carries no types.
def fetch_logos() -> int:
    """Fetch the logos that are not here yet, tenant by tenant."""
    with leases.held("agents.fetch_logos", seconds=600) as mine:
        return in_each_tenant(lambda: logos.fetch_due(timezone.now())) if mine else 0


@shared_task(name="agents.lapse")  # type: ignore[untyped-decorator]  # Celery carries no types.
def lapse() -> int:
    """Do what the calendar does to questions, approvals, roles and credentials that were followed, tenant by tenant."""
    with leases.held("agents.lapse") as mine:
        return in_each_tenant(_lapse) if mine else 0


def _lapse() -> int:
    now = timezone.now()
    return lapsing.lapse_due(now) + lapsing.end_due(now) + members.end_roles_due(now) + turning.end_due(now)


@shared_task(name="agents.settle_owners")  # type: ignore[untyped-decorator]  # Celery carries no types.
def settle_owners() -> int:
    """Notice which owners left or came back, and let others follow them, tenant by tenant."""
    with leases.held("agents.settle_owners") as mine:
        return in_each_tenant(lambda: owners.settle_due(timezone.now())) if mine else 0
