"""The clock of the ledger."""

from celery import shared_task
from django.conf import settings

from audit import leases, ledger
from audit.models import Entry


@shared_task(name="audit.seal")  # type: ignore[untyped-decorator]  # Celery carries no types.
def seal_entries() -> int:
    """Chain what is not chained yet, tenant by tenant."""
    with leases.held("audit.seal") as mine:
        if not mine:
            return 0
        tenants = Entry.unscoped.using(settings.OPERATOR_ALIAS).values_list("tenant_id", flat=True).distinct()
        return sum(ledger.seal(tenant, using=settings.OPERATOR_ALIAS) for tenant in tenants.order_by())
