"""The broker goes away, and comes back empty or not."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.faults.processes import until
from tests.faults.test_work import assert_accounted_for, end_many, is_over
from tests.faults.traffic import FAILURES, flowing

pytestmark = [pytest.mark.faults, pytest.mark.long]
SERVED = 20
AWAY = 60
FEW = 1_200


def test_without_a_broker_everything_is_answered_and_with_it_again_all_work_is_done(run, broker):
    processes = run.product.web(), run.product.worker(), run.product.beat()
    until(run.ticked, *processes)
    with flowing(run.world, run.history) as traffic:
        traffic.until(SERVED, since=0)
        broker.kill()
        gone, silent = time.monotonic(), timezone.now() + timedelta(seconds=2)
        job = end_many(run, FEW)
        traffic.until_true(lambda: time.monotonic() > gone + AWAY)
        traffic.until(SERVED, since=gone)
        assert not run.ticked(silent), "no job came through"
        assert not is_over(run, job)
        broker.start()
        back, ticks_again = time.monotonic(), timezone.now()
        until(lambda: is_over(run, job) and run.ticked(ticks_again), *processes, seconds=180)
        traffic.until(SERVED, since=back)
    assert not [each for each in run.history.after(gone) if each.status in FAILURES]
    assert_accounted_for(run, job, FEW)
    run.check(
        f"the broker is away for {AWAY} s ({broker.name})",
        "requests need none; jobs go on when it is back, with the same worker and beat",
        since=back,
    )
