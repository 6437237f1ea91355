"""The clock of the ledger."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from audit import inspection, leases, ledger


@shared_task(name="audit.seal")  # type: ignore[untyped-decorator]  # Celery carries no types.
def seal_entries() -> int:
    """Chain what is not chained yet, tenant by tenant."""
    with leases.held("audit.seal") as mine:
        if not mine:
            return 0
        waiting = ledger.tenants_waiting(timezone.now(), using=settings.OPERATOR_ALIAS)
        return sum(ledger.seal(tenant, using=settings.OPERATOR_ALIAS) for tenant in waiting)


@shared_task(name="audit.seal_late")  # type: ignore[untyped-decorator]  # Celery carries no types.
def seal_late_entries() -> int:
    """Chain what was committed so late that nobody looks for it any more: each tenant's whole ledger is asked."""
    with leases.held("audit.seal_late", seconds=300) as mine:
        if not mine:
            return 0
        tenants = ledger.all_tenants(using=settings.OPERATOR_ALIAS)
        return sum(ledger.seal(each, using=settings.OPERATOR_ALIAS, whole=True) for each in tenants if leases.keep())


@shared_task(name="audit.inspect")  # type: ignore[untyped-decorator]  # Celery carries no types.
def inspect_chains() -> int:
    """Walk on through each tenant's chain, and tell of one that does not hold."""
    with leases.held("audit.inspect", seconds=300) as mine:
        if not mine:
            return 0
        now, using = timezone.now(), settings.OPERATOR_ALIAS
        waiting = inspection.waiting(now, using=using)
        return sum(inspection.inspect(each, using=using, now=now) for each in waiting if leases.keep())
