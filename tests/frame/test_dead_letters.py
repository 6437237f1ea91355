"""What the clock cannot do: tried again a few times, written down for operators, and struck out once it works."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from celery import signals
from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone

from audit import jobs, leases, letters
from audit.models import DeadLetter, Lease
from delegations import actions as delegation_actions
from delegations.tasks import expire_delegations
from kit import context
from remit import metrics
from remit.celery import app
from remit.tasks import tick
from tenants.clock import in_each_tenant
from tenants.models import Tenant
from tests.frame.test_operators import PLACE, signed_in
from tests.harness import crowd

pytestmark = pytest.mark.walks

OPERATOR = settings.OPERATOR_ALIAS
EXPIRE = "delegations.expire"


@pytest.fixture(autouse=True)
def _none():
    Lease.objects.using(OPERATOR).all().delete()
    DeadLetter.objects.using(OPERATOR).all().delete()


def kept():
    rows = DeadLetter.objects.using(OPERATOR).order_by("pk")
    return [(each.job, each.of_tenant, each.error, each.failures, each.recovered_at is None) for each in rows]


@pytest.fixture
def failing(monkeypatch, world):
    """The job fails in this tenant as long as `failing` holds something."""
    fails, genuine = [LookupError("a secret that somebody sent")], delegation_actions.expire_due

    def expire(now):
        if fails and context.require_id() == world.tenant.pk:
            raise fails[0]
        return genuine(now)

    monkeypatch.setattr(delegation_actions, "expire_due", expire)
    return fails


def test_a_tenant_in_which_a_job_fails_is_written_down_once_and_struck_out_when_it_works(world, failing):
    expire_delegations.delay()
    expire_delegations.delay()
    assert kept() == [(EXPIRE, world.tenant.pk, "LookupError", 2, True)]
    row = DeadLetter.objects.using(OPERATOR).get()
    assert row.place.startswith("tests/frame/test_dead_letters.py:")
    assert "secret" not in str([getattr(row, field.attname) for field in row._meta.concrete_fields])
    failing.clear()
    expire_delegations.delay()
    assert kept() == [(EXPIRE, world.tenant.pk, "LookupError", 2, False)]
    failing.append(KeyError("again"))
    expire_delegations.delay()
    assert kept() == [(EXPIRE, world.tenant.pk, "KeyError", 3, True)]


def test_where_the_database_fails_a_job_is_tried_four_times_and_no_more(world, failing, monkeypatch):
    tries = []
    monkeypatch.setattr(delegation_actions, "expire_due", lambda now: _gone(tries))
    assert expire_delegations.delay().failed()
    assert len(tries) == 1 + jobs.Job.max_retries
    assert kept() == [(EXPIRE, "", "OperationalError", 1, True)]
    monkeypatch.undo()
    expire_delegations.delay()
    assert kept() == [(EXPIRE, "", "OperationalError", 1, False)]


def _gone(tries):
    tries.append(True)
    raise OperationalError("the database went away")


def test_a_job_whose_time_is_over_ends_at_once_and_is_written_down_as_a_whole(world, monkeypatch):
    tries = []

    def hang(now):
        tries.append(True)
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(delegation_actions, "expire_due", hang)
    assert expire_delegations.delay().failed()
    assert len(tries) == 1
    assert kept() == [(EXPIRE, "", "SoftTimeLimitExceeded", 1, True)]


def test_the_metric_counts_what_is_dead_now_and_nothing_that_works_again(world, failing):
    counted = [_dead()]
    expire_delegations.delay()
    expire_delegations.delay()
    counted.append(_dead())
    failing.clear()
    expire_delegations.delay()
    assert [*counted, _dead()] == [0, 1, 0]


def _dead():
    gauges = {family.name: family for family in metrics._gauges(timezone.now())}
    return gauges["remit_dead_letters"].samples[0].value


def test_a_job_that_works_at_its_second_try_leaves_nothing(world, monkeypatch):
    tries = []
    monkeypatch.setattr(delegation_actions, "expire_due", lambda now: len(tries) or _gone(tries))
    assert expire_delegations.delay().successful()
    assert kept() == []


def test_a_failure_that_cannot_be_written_down_ends_nothing(monkeypatch):
    monkeypatch.setattr(letters, "_keep", lambda *_: _gone([]))
    letters.keep("remit.tick", LookupError())
    assert kept() == []


def test_two_that_fail_at_once_are_one_row():
    crowd.at_once(4, lambda _: letters.keep("remit.tick", LookupError()))
    assert kept() == [("remit.tick", "", "LookupError", 4, True)]


def test_a_message_that_nobody_can_do_is_kept():
    signals.task_unknown.send(sender=None, message=None, exc=KeyError("x"), name="nobody.knows_this", id="1")
    assert kept() == [("unknown: nobody.knows_this", "", "KeyError", 1, True)]


def test_every_task_is_bounded_in_time_and_tries_and_acknowledged_when_it_is_done():
    app.loader.import_default_modules()
    for name, task in app.tasks.items():
        if not name.startswith("celery."):
            assert isinstance(task, jobs.Job)
            assert task.acks_late
            assert task.reject_on_worker_lost
            assert task.soft_time_limit < task.time_limit <= 600
            assert (task.max_retries, task.retry_jitter) == (3, True)


def test_operators_see_what_is_dead_and_touch_nothing(world):
    letters.keep("tokens.rotate_keys", LookupError(), tenant=world.tenant.pk)
    browser = signed_in(world)
    listing = browser.go(f"{world.origin}{PLACE}/audit/deadletter/")
    assert listing.status_code == 200
    assert "tokens.rotate_keys" in listing.text
    assert browser.go(f"{world.origin}{PLACE}/audit/deadletter/add/").status_code == 403


# --- a run that never ends


def _died(name, *, ago, run="lost"):
    """Write down that a run held a lease, and what became of it nobody knows."""
    until = timezone.now() - ago
    Lease.objects.using(OPERATOR).create(name=name, holder=f"{run}:0", until=until)
    return until


def test_a_run_that_was_killed_is_written_down_once_by_one_of_many_that_follow_it(world):
    _died(EXPIRE, ago=timedelta())
    crowd.at_once(8, lambda _: expire_delegations.delay())
    assert kept() == [(EXPIRE, "", "NeverEnded", 1, False)]
    expire_delegations.delay()
    assert kept() == [(EXPIRE, "", "NeverEnded", 1, False)]


def test_a_run_that_was_killed_and_that_none_follows_is_found_by_the_pulse_once(world):
    until = _died("tokens.forget_requests", ago=timedelta(minutes=10))
    crowd.at_once(2, lambda _: leases.tell_of_lost(timezone.now()))
    tick.delay()
    assert kept() == [("tokens.forget_requests", "", "NeverEnded", 1, True)]
    assert Lease.objects.get(name="tokens.forget_requests").until == until


def test_the_pulse_says_nothing_of_a_run_that_may_still_end_nor_of_one_that_ended(world):
    _died("tokens.forget_requests", ago=timedelta(minutes=9))
    with leases.held("test.ended", seconds=-3600):
        pass
    Lease.objects.using(OPERATOR).filter(name="test.ended").update(until=timezone.now() - timedelta(hours=1))
    tick.delay()
    assert kept() == []


def test_a_run_that_is_killed_at_its_limit_frees_what_it_held_and_nothing_else():
    _died(EXPIRE, ago=timedelta(minutes=-1), run="killed")
    _died("audit.seal", ago=timedelta(minutes=-1), run="other")
    expire_delegations.on_failure(TimeLimitExceeded(600), "killed", (), {}, None)
    with leases.held(EXPIRE) as mine, leases.held("audit.seal") as not_mine:
        assert (mine, not_mine) == (True, False)
    assert kept() == [(EXPIRE, "", "TimeLimitExceeded", 1, True)]


def test_every_job_holds_the_lease_of_its_own_name(monkeypatch):
    taken = []

    @contextmanager
    def held(name, **how):
        taken.append(name)
        yield False

    monkeypatch.setattr(leases, "held", held)
    app.loader.import_default_modules()
    ours = sorted(name for name in app.tasks if not name.startswith("celery."))
    for name in ours:
        assert app.tasks[name].delay().successful()
    assert taken == ours


# --- a lease that is renewed


def _expire_all(name):
    Lease.objects.using(OPERATOR).filter(name=name).update(until=timezone.now())


def test_whoever_works_on_keeps_its_lease_and_whoever_lost_it_stops(world, elsewhere):
    Tenant.objects.exclude(pk__in=[world.tenant.pk, elsewhere.tenant.pk]).update(status=Tenant.Status.DELETED)
    visited = []

    def job():
        visited.append(context.require_id())
        return 1

    with leases.held("test.renewed", seconds=0) as mine:
        assert mine
        before = Lease.objects.get(name="test.renewed").until
        assert in_each_tenant(job) == len(visited) == 2
        assert Lease.objects.get(name="test.renewed").until > before
        assert crowd.meanwhile(lambda: leases._take("test.renewed", "lea_second", 60))
        assert in_each_tenant(job) == 0
    assert Lease.objects.get(name="test.renewed").holder == "lea_second"


def test_a_schedule_that_overlaps_itself_runs_once(world):
    Tenant.objects.exclude(pk=world.tenant.pk).update(status=Tenant.Status.DELETED)
    inside = []

    def job():
        inside.append(True)
        if len(inside) == 1:
            assert crowd.meanwhile(_run) == 0
        return 1

    def _run():
        with leases.held("test.overlapping") as mine:
            return in_each_tenant(job) if mine else 0

    assert _run() == 1
    assert len(inside) == 1


def test_the_clock_says_how_long_ago_it_ticked(world):
    from remit import health  # Needs loaded apps.

    assert health.clock_lag(timezone.now()) is None
    tick()
    assert 0 <= health.clock_lag(timezone.now()) < 5
