"""Long work: asked for in one transaction, done by the clock in chunks, and the same after whatever kills it.

What could not be done is tried once more by the clock, minutes after the rest (`_try_again`).

A chunk is one transaction: it takes its items by an UPDATE whose count decides, does them, and moves the number that
the page shows. Who dies in the middle of it did nothing; who comes twice takes nothing.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError, transaction
from django.db.models import F, Q
from django.utils import timezone

from audit.events import Event
from audit.ledger import JsonValue, record
from audit.principals import Kind, Principal
from notices import ending, exporting, rechecking, selecting
from notices.errors import NotAtWork
from notices.models import Job, JobItem

CHUNK = 500
_log = structlog.get_logger("notices.jobs")

Doing = Callable[[Job, Sequence[JobItem], Principal], None]
"""Does a chunk; what it finds done already it says in the item's note, what cannot be done in its state."""

_DOING: Mapping[str, Doing] = {
    Job.Kind.END: ending.end,
    Job.Kind.RESTORE: ending.restore,
    Job.Kind.EXPORT: exporting.write,
    Job.Kind.RECHECK: rechecking.check,
}
_GIVING_BACK: Mapping[str, Doing] = {
    Job.Kind.END: ending.give_back,
    Job.Kind.EXPORT: selecting.leave,
    Job.Kind.RECHECK: selecting.leave,
}
STOPPABLE = frozenset(_GIVING_BACK)
UNFINISHED = (Job.State.RUNNING, Job.State.STOPPING)


RETRIED = frozenset({Job.Kind.END, Job.Kind.RESTORE})
RETRY_AFTER = timedelta(minutes=5)


class _Taken(Exception):
    """Somebody else took part of a chunk."""


def work(*, seconds: float = 20) -> int:
    """Do what waits in the current tenant, oldest job first, for so long; return how many items were done."""
    until, done = time.monotonic() + seconds, 0
    for job in Job.objects.filter(Q(state__in=UNFINISHED) | Q(retry_at__lte=timezone.now())).order_by("pk"):
        if job.retry_at is not None:
            _try_again(job)
        while (number := _attempt(job)) and time.monotonic() < until:
            done += number
        done += number
        if time.monotonic() >= until:
            break
    return done


@transaction.atomic
def stop(job: Job, *, by: Principal) -> None:
    """End a job after the chunk in hand; what it did not come to is given back. Raises NotAtWork."""
    changed = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, kind__in=_GIVING_BACK).update(
        state=Job.State.STOPPING
    )
    if not changed:
        raise NotAtWork(job.pk)
    record(Event.JOB_STOPPED, by=by, about=job, detail={"done": Job.objects.get(pk=job.pk).done})


def asker(job: Job) -> Principal:
    """Return who asked for a job, as the ledger names them."""
    return Principal(Kind.USER, job.asked_by_id, job.asked_by.name)


def _attempt(job: Job) -> int:
    """Do a chunk; where one of its items cannot be done, each by itself, so that the others are."""
    try:
        return _chunk(job, CHUNK)
    except _Taken:
        return 0
    except (OperationalError, SoftTimeLimitExceeded):
        raise
    except Exception:  # What it is shows when each item is done by itself.
        _log.exception("a chunk failed", job=job.pk)
    return sum(_one(job, item) for item in JobItem.objects.filter(job=job, state=JobItem.State.WAITING)[:CHUNK])


def _one(job: Job, item: JobItem) -> int:
    try:
        return _chunk(job, 1, item)
    except (OperationalError, SoftTimeLimitExceeded, _Taken):
        raise
    except Exception:  # Logged, said in the report, and no reason to keep the others waiting.
        _log.exception("an item failed", job=job.pk, item=item.object_id)
    failed = JobItem.objects.filter(pk=item.pk, state=JobItem.State.WAITING).update(state=JobItem.State.FAILED)
    Job.objects.filter(pk=job.pk).update(failed=F("failed") + failed)
    return failed


@transaction.atomic
def _chunk(job: Job, size: int, only: JobItem | None = None) -> int:
    """Take up to `size` items and do them, or finish the job where none is left; return how many there were."""
    now_state = Job.objects.values_list("state", flat=True).get(pk=job.pk)
    if now_state not in UNFINISHED:
        return 0
    waiting = JobItem.objects.filter(job=job, state=JobItem.State.WAITING).order_by("pk")
    items = [only] if only else list(waiting[:size])
    if not items:
        _finish(job, now_state)
        return 0
    is_stopping = now_state == Job.State.STOPPING
    taken = JobItem.objects.filter(pk__in=[item.pk for item in items], state=JobItem.State.WAITING).update(
        state=JobItem.State.KEPT if is_stopping else JobItem.State.DONE
    )
    if taken != len(items):
        raise _Taken
    (_GIVING_BACK if is_stopping else _DOING)[job.kind](job, items, asker(job))
    if not is_stopping:
        Job.objects.filter(pk=job.pk).update(done=F("done") + len(items))
    return len(items)


@transaction.atomic
def _try_again(job: Job) -> None:
    """Let what failed wait again, once; where the job was stopped or undone meanwhile, it is given back like the rest.

    Two clocks that meet take this step once: the UPDATE of the job decides.
    """
    is_unwanted = job.state == Job.State.STOPPED or job.restorations.exists()
    state = Job.State.STOPPING if is_unwanted and job.kind in _GIVING_BACK else Job.State.RUNNING
    due = Job.objects.filter(pk=job.pk, state=job.state, retry_at=job.retry_at)
    if due.update(state=state, retry_at=None, finished_at=None):
        failed = JobItem.objects.filter(job=job, state=JobItem.State.FAILED)
        number = failed.update(state=JobItem.State.WAITING, is_second_try=True)
        Job.objects.filter(pk=job.pk).update(failed=F("failed") - number)


def _finish(job: Job, state: str) -> None:
    over, now = Job.State.STOPPED if state == Job.State.STOPPING else Job.State.DONE, timezone.now()
    failed = JobItem.objects.filter(job=job, state=JobItem.State.FAILED, is_second_try=False)
    retry_at = now + RETRY_AFTER if job.kind in RETRIED and failed.exists() else None
    if Job.objects.filter(pk=job.pk, state=state).update(state=over, finished_at=now, retry_at=retry_at):
        job.refresh_from_db()
        detail: dict[str, JsonValue] = {"state": job.state, "total": job.total, "done": job.done, "failed": job.failed}
        record(Event.JOB_FINISHED, by=asker(job), about=job, detail=detail)
