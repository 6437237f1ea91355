"""What every job of the clock is: late to be acknowledged, bounded in time and tries, and kept where it fails for good.

Jobs are driven by the state of the database, so one that is lost is made up for by the next tick: a message that is
older than some minutes is not worth doing.
"""

from typing import Any

from celery import Task
from celery.exceptions import TimeLimitExceeded
from django.db import InterfaceError, OperationalError, connections

from audit import leases, letters


class Job(Task):
    """The base of all tasks (`remit.celery`)."""

    ignore_result = True
    acks_late = True
    reject_on_worker_lost = True
    soft_time_limit = 540
    time_limit = 600
    expires = 600
    autoretry_for = (OperationalError, InterfaceError)
    max_retries = 3
    retry_backoff = 2
    retry_backoff_max = 60
    retry_jitter = True

    def on_failure(self, exc: BaseException, task_id: str, *rest: Any) -> None:
        letters.keep(self.name, exc)
        if isinstance(exc, TimeLimitExceeded):
            _clear_up(task_id)

    def on_success(self, *rest: Any) -> None:
        if letters.failed(self.name):
            letters.recover(self.name)


def _clear_up(task_id: str) -> None:
    """Free what a process held that was killed at its limit: here is the one that started it, and it forks others."""
    leases.give_back(task_id)
    connections.close_all()
