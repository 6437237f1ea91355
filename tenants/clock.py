"""How the clock goes from tenant to tenant."""

from collections.abc import Callable
from typing import Any

import structlog
from celery import current_task
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError, transaction
from django.db.models import QuerySet

from audit import leases, letters
from kit import context
from tenants.models import Tenant

BATCH, MOST = 500, 40
"""Rows in one transaction, and transactions in one turn: what is left has its turn again."""
_log = structlog.get_logger("tenants.clock")


def in_each_tenant(job: Callable[[], int]) -> int:
    """Run a job inside every tenant that is not deleted; return the sum of what it did.

    One tenant whose job fails does not keep the clock from the others: it is logged and kept as a dead letter, and its
    turn comes again. Whoever lost the lease to another run stops.
    """
    name = current_task.name if current_task else ""
    failing, done = letters.open_tenants(name), 0
    for tenant in Tenant.objects.exclude(status=Tenant.Status.DELETED).order_by("pk"):
        if not leases.keep():
            break
        done += _attempt(job, tenant, name, is_failing=tenant.pk in failing)
    return done


def forget(rows: "QuerySet[Any]", *, batch: int = BATCH, most: int = MOST) -> int:
    """Remove rows of the current tenant, a batch in each transaction; return how many.

    What somebody took up again since it was found is not removed: the query is asked a second time.
    """
    removed = 0
    for _ in range(most):
        found = list(rows.values_list("pk", flat=True)[:batch])
        with transaction.atomic():
            _, kinds = rows.model._default_manager.filter(pk__in=rows.filter(pk__in=found).values("pk")).delete()
        removed += kinds.get(rows.model._meta.label, 0)
        if len(found) < batch or not kinds:
            break
    return removed


def _attempt(job: Callable[[], int], tenant: Tenant, name: str, *, is_failing: bool) -> int:
    with context.use(tenant):
        try:
            done = job()
        except (OperationalError, SoftTimeLimitExceeded):
            raise  # The database is what fails, or the whole job's time is over: not the tenant.
        except Exception as error:  # The clock's door: logged, kept, and the next tenant's turn.
            _log.exception("a job failed", tenant=tenant.pk)
            letters.keep(name, error, tenant=tenant.pk)
            return 0
    if is_failing:
        letters.recover(name, tenant=tenant.pk)
    return done
