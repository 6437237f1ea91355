"""A worker hangs in the middle of a job: it ends, and what it held is another's."""

import pytest

from audit.models import DeadLetter
from kit import context
from notices.models import Job, JobItem
from tests.faults import gate
from tests.faults.processes import until
from tests.faults.test_work import assert_accounted_for, end_many, is_over

pytestmark = [pytest.mark.faults, pytest.mark.long]
FEW = 1_200


def failed():
    return DeadLetter.objects.using("operator").filter(job="notices.work", recovered_at=None).exists()


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
