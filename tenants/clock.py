"""How the clock goes from tenant to tenant."""

from collections.abc import Callable

import structlog
from django.db import OperationalError

from kit import context
from tenants.models import Tenant

_log = structlog.get_logger("tenants.clock")


def in_each_tenant(job: Callable[[], int]) -> int:
    """Run a job inside every tenant that is not deleted; return the sum of what it did.

    One tenant whose job fails does not keep the clock from the others: it is logged, and its turn comes again.
    """
    return sum(_attempt(job, tenant) for tenant in Tenant.objects.exclude(status=Tenant.Status.DELETED).order_by("pk"))


def _attempt(job: Callable[[], int], tenant: Tenant) -> int:
    with context.use(tenant):
        try:
            return job()
        except OperationalError:
            raise  # The database is what fails, not the tenant.
        except Exception:  # The clock's door: logged, and the next tenant's turn.
            _log.exception("a job failed", tenant=tenant.pk)
            return 0
