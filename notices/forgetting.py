"""What is over and nobody will ask for again: removed by the clock in batches, each found by an index.

The ledger keeps that it was there. What waits, what nobody took and what is at work is never removed.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from agents.models import Approval
from delegations.models import Delegation
from notices import exporting, kinds
from notices.models import Job, JobItem, JobPart, Notice
from tenants import clock
from tenants.directory import current

_SENT = (Notice.State.SENT, Notice.State.MOOT)
_OVER = (Job.State.DONE, Job.State.STOPPED)
_ONCE = [name for name, kind in kinds.REGISTRY.items() if kind.is_once]
_MOST = clock.BATCH * clock.MOST


def forget(now: datetime) -> int:
    """Remove what is over in the current tenant; return how many rows."""
    return clock.forget(notices(now)) + clock.forget(exporting.over(now)) + _forget_items(now) + clock.forget(jobs(now))


def notices(now: datetime) -> "QuerySet[Notice]":
    """Return mail that was sent long ago, or was not worth it.

    A person is told once of some things: that they were is kept as long as the thing is there to tell of.
    """
    over = Notice.objects.filter(state__in=_SENT, created_at__lt=now - timedelta(days=_days(settings.NOTICE_DAYS)))
    acts = Delegation.unscoped.filter(pk=OuterRef("about_id"), ended_at=None)
    waits = Approval.unscoped.filter(pk=OuterRef("about_id"), status=Approval.Status.WAITING)
    return over.filter(~Q(kind__in=_ONCE) | (~Exists(acts) & ~Exists(waits))).order_by("created_at")


def jobs(now: datetime) -> "QuerySet[Job]":
    """Return work of which nothing is left but what it was."""
    left = [model.unscoped.filter(job=OuterRef("pk")) for model in (JobItem, JobPart)]
    followed = Job.unscoped.filter(of=OuterRef("pk"))
    return _over(now).filter(*(~Exists(rows) for rows in (*left, followed)))


def items(job_id: str) -> "QuerySet[JobItem]":
    """Return what a job was done to."""
    return JobItem.objects.filter(job=job_id).order_by("object_id")


def _days(usual: int) -> int:
    """Return how long something is kept: as the tenant says, or else as the installation does."""
    return current().keep_days or usual


def _over(now: datetime) -> "QuerySet[Job]":
    over = Job.objects.filter(state__in=_OVER, finished_at__lt=now - timedelta(days=_days(settings.JOB_DAYS)))
    return over.order_by("finished_at")


def _forget_items(now: datetime) -> int:
    """Remove the items of work that is over, one job after the other; what is left has its turn again."""
    removed = 0
    for job_id in list(_over(now).values_list("pk", flat=True)[: clock.BATCH]):
        removed += clock.forget(items(job_id))
        if removed >= _MOST:
            break
    return removed
