"""A worker hangs in the middle of a job: it ends, and what it held is another's."""

import os
import signal

import pytest

from audit.models import DeadLetter
from bench import processes as measured
from kit import context
from notices.models import Job, JobItem
from tests.faults import gate
from tests.faults.processes import until
from tests.faults.test_work import assert_accounted_for, end_many, is_over

pytestmark = [pytest.mark.faults, pytest.mark.long]
FEW = 1_200


@pytest.fixture(autouse=True)
def _no_letters(run):
    DeadLetter.objects.using("operator").all().delete()


def failed():
    return DeadLetter.objects.using("operator").filter(job="notices.work", recovered_at=None).exists()


def letters():
    found = DeadLetter.objects.using("operator").filter(job="notices.work", of_tenant="")
    return [(each.error, each.failures) for each in found]


def in_the_middle(run, job):
    with context.use(run.world.tenant):
        middle = JobItem.objects.filter(job=job).order_by("pk").values_list("object_id", flat=True)[FEW * 2 // 3]
    return gate.closed(run.cluster, "INSERT", "audit_entry", f"NEW.about_id = '{middle}'")


def done(run):
    with context.use(run.world.tenant):
        return Job.objects.get().done


def test_a_worker_that_stands_still_in_a_job_loses_it_to_another(run, redis):
    web = run.product.web()
    job = end_many(run, FEW)
    with in_the_middle(run, job) as closed:
        hanging = run.product.worker()
        run.product.send("notices.work", times=1)
        closed.await_visitor(hanging, web)
        hanging.freeze()
    assert 0 < done(run) < FEW
    run.let_leases_lapse()
    others = run.product.worker(), run.product.beat()
    until(lambda: is_over(run, job), *others, seconds=180)
    assert_accounted_for(run, job, FEW)
    hanging.thaw()
    assert hanging.is_alive
    run.check("a worker stands still in the middle of a job", "its lease lapses, its locks with it; another goes on")


def test_a_job_that_never_ends_is_ended_and_operators_are_told(run, redis):
    run.product.web()
    job = end_many(run, FEW)
    with in_the_middle(run, job) as closed:
        worker = run.product.worker(DJANGO_SETTINGS_MODULE="tests.faults.hasty")
        run.product.send("notices.work", times=1)
        closed.await_visitor(worker)
        until(failed, worker)
    assert 0 < done(run) < FEW
    beat = run.product.beat()
    until(lambda: is_over(run, job) and not failed(), worker, beat, seconds=180)
    assert_accounted_for(run, job, FEW)
    run.check("a job waits longer than a job may take", "it ends, is a dead letter, and goes on at its next turn")


def child_of(worker):
    """Return the process that does the worker's jobs."""
    (child,) = measured.family(worker.child.pid)[1:]
    return child


def test_a_child_killed_at_the_hard_limit_is_one_dead_letter_and_frees_its_lease(run, redis):
    run.product.web()
    job = end_many(run, FEW)
    with in_the_middle(run, job) as closed:
        worker = run.product.worker(DJANGO_SETTINGS_MODULE="tests.faults.hasty")
        run.product.send("notices.work", times=1)
        closed.await_visitor(worker)
        # It hears of no softer limit.
        os.kill(child_of(worker), signal.SIGSTOP)
        until(failed, worker)
        assert letters() == [("TimeLimitExceeded", 1)]
    assert 0 < done(run) < FEW
    beat = run.product.beat()
    until(lambda: is_over(run, job) and not failed(), worker, beat, seconds=60)
    assert letters() == [("TimeLimitExceeded", 1)]
    assert_accounted_for(run, job, FEW)
    run.check("a child hangs until the hard limit kills it", "a dead letter at once; its lease is free")


def test_a_child_that_dies_by_itself_is_one_dead_letter_when_its_lease_is_over(run, redis):
    run.product.web()
    job = end_many(run, FEW)
    with in_the_middle(run, job) as closed:
        worker = run.product.worker()
        run.product.send("notices.work", times=1)
        closed.await_visitor(worker)
        os.kill(child_of(worker), signal.SIGKILL)
        run.let_leases_lapse()
        run.product.send("notices.work", times=1)
        until(failed, worker)
        assert letters() == [("NeverEnded", 1)]
    assert 0 < done(run) < FEW
    beat = run.product.beat()
    until(lambda: is_over(run, job) and not failed(), worker, beat, seconds=60)
    assert letters() == [("NeverEnded", 1)]
    assert_accounted_for(run, job, FEW)
    run.check("a child is killed from outside", "its message comes back; a dead letter once its lease is over, once")
