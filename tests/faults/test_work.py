"""The clock's processes die, hang, come twice, or lose their broker, in the middle of what they do."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Entry
from audit.principals import SYSTEM
from bench import processes as measured
from kit import context
from notices.models import Job, JobItem
from tests.faults import gate, table
from tests.faults.conftest import IS_WHOLE
from tests.faults.history import Kind
from tests.faults.processes import until
from tests.harness import many
from tokens import rotation
from tokens.models import SigningKey

pytestmark = pytest.mark.faults
MANY = 10_000 if IS_WHOLE else 1_200
ENDED = "delegation.ended"


def end_many(run, number):
    """Let ada end all that a crowd allowed, and one more whose token somebody holds; return the job."""
    scout = run.world.public_client("Crowd scout")
    granted = run.world.grant(scout)
    bearer = {"Authorization": f"Bearer {run.admin_token()}"}
    many.delegations(run.world, number - 1)
    ask = {"filter": {"q": "Crowd"}, "reason": "over", "expect": number}
    url = run.world.url("/api/v1/delegations/bulk-end")
    run.history.ask(Kind.END, scout.id, lambda: run.world.http.post(url, json=ask, headers=bearer, timeout=60))
    run.look_at(scout, granted["access_token"])
    with context.use(run.world.tenant):
        return Job.objects.get()


def is_over(run, job):
    with context.use(run.world.tenant):
        return Job.objects.get(pk=job.pk).is_over


def assert_accounted_for(run, job, number):
    """Each has one entry, and the job shows what stands behind it."""
    with context.use(run.world.tenant):
        job.refresh_from_db()
        assert (job.state, job.done, job.failed) == (Job.State.DONE, number, 0)
        told = Entry.objects.filter(event=ENDED, detail__job=job.pk).values_list("about_id", flat=True)
        assert len(told) == len(set(told)) == number


def middle_of(run, job):
    with context.use(run.world.tenant):
        return JobItem.objects.filter(job=job).order_by("pk").values_list("object_id", flat=True)[MANY * 2 // 3]


def test_a_worker_and_a_beat_killed_in_the_middle_of_a_great_end_lose_and_repeat_nothing(run, broker):
    run.product.web()
    job = end_many(run, MANY)
    with gate.closed(run.cluster, "INSERT", "audit_entry", f"NEW.about_id = '{middle_of(run, job)}'") as closed:
        worker, beat = run.product.worker(), run.product.beat()
        closed.await_visitor(worker, beat)
        worker.kill()
        beat.kill()
    with context.use(run.world.tenant):
        done = Job.objects.get().done
    assert 0 < done < MANY
    run.let_leases_lapse()
    again = run.product.worker(), run.product.beat()
    until(lambda: is_over(run, job), *again, seconds=180)
    assert_accounted_for(run, job, MANY)
    run.check(
        f"kill -9 of worker and beat while {MANY:,} delegations are ended ({broker.name})",
        "ended at the click; the account goes on where it was",
    )


@pytest.mark.long
def test_a_worker_and_a_beat_killed_while_keys_rotate_leave_one_that_signs(run, redis):
    web = run.product.web()
    due(run)
    own = run.world.worker()
    with gate.closed(run.cluster, "INSERT", "audit_entry", "NEW.event = 'key.activated'") as closed:
        worker, beat = run.product.worker(), run.product.beat()
        closed.await_visitor(worker, beat, web)
        worker.kill()
        beat.kill()
        closed.open()
        run.history.ask(Kind.MINT, own.id, lambda: run.world.own_token(own))
    assert rotated(run) == 0
    run.let_leases_lapse()
    run.product.environment["REMIT_BROKER_URL"] = ""
    with gate.closed(run.cluster, "UPDATE", "tokens_signingkey", "NEW.status = 'retired'") as closed:
        alone = run.product.beat()
        closed.await_visitor(alone, web)
        alone.kill()
    assert rotated(run) == 0
    run.let_leases_lapse()
    again = run.product.beat()
    until(lambda: rotated(run) == 2, again, web)
    run.history.ask(Kind.MINT, own.id, lambda: run.world.own_token(own))
    run.check(
        "kill -9 of worker, then of a beat that works alone, in the middle of rotation", "one key signs throughout"
    )


def due(run):
    """Let the next key of both algorithms be published, long ago, and due now."""
    with context.use(run.world.tenant):
        rotation.rotate_due(timezone.now(), by=SYSTEM)
    past = timezone.now() - timedelta(days=40)
    with context.use(run.world.tenant):
        SigningKey.objects.update(created_at=past, activate_at=past + timedelta(days=2))


def rotated(run):
    with context.use(run.world.tenant):
        return SigningKey.objects.filter(status=SigningKey.Status.RETIRED).count()


@pytest.mark.long
def test_two_beats_and_two_workers_do_everything_once(run, broker):
    run.product.web()
    due(run)
    everybody = [start() for start in (run.product.worker, run.product.worker, run.product.beat, run.product.beat)]
    job = end_many(run, 3_000)
    until(lambda: is_over(run, job) and rotated(run) == 2, *everybody, seconds=180)
    run.product.send("notices.work", times=10)
    run.product.send("tokens.rotate_keys", times=10)
    ticked = timezone.now()
    until(lambda: run.ticked(ticked), *everybody)
    assert_accounted_for(run, job, 3_000)
    run.check(f"two beats, two workers, and messages that come ten times ({broker.name})", "everything once")


@pytest.mark.long
def test_ten_thousand_are_ended_within_a_minute_in_flat_memory(run, redis):
    run.product.web()
    worker, beat = run.product.worker(), run.product.beat()
    until(run.ticked, worker, beat)
    everything = measured.family(worker.child.pid)
    before = measured.cpu(everything)
    job = end_many(run, 10_000)
    clicked = next(run.history.of(Kind.END))
    sizes = []

    def grows():
        sizes.append(measured.memory(everything))
        return is_over(run, job)

    until(grows, worker, beat, seconds=600)
    took, spent = time.monotonic() - clicked.sent, (measured.cpu(everything) - before) / 1e6
    assert_accounted_for(run, job, 10_000)
    early, late = max(sizes[: len(sizes) // 4]), max(sizes[-len(sizes) // 4 :])
    table.measures.append(
        f"10,000 delegations: ended {clicked.got - clicked.sent:.1f} s after the click, every entry written after "
        f"{took:.0f} s, for which the worker had {spent:.0f} s of a core. Its memory was {early:.0f} MiB in the first "
        f"quarter of that, and {late:.0f} MiB in the last."
    )
    # Of a core, not by a clock on the wall: the machine may have other things to do.
    assert spent < 60
    assert late < early * 1.2
    run.check("10,000 delegations ended at once", "at once, and written down within a minute")
