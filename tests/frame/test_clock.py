"""The clock: any job may run twice, or nowhere for a while, or in two places at once."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from agents.models import Agent, Approval
from agents.tasks import lapse, settle_owners
from audit import leases, ledger
from audit.models import Entry, Lease, Seal
from audit.tasks import seal_entries, seal_late_entries
from delegations import actions as delegation_actions
from delegations.models import Delegation
from delegations.tasks import expire_delegations
from kit import context
from remit.celery import app
from remit.tasks import tick
from tenants.models import Tenant
from tests.harness import crowd
from tokens.models import AuthorizationRequest, SigningKey
from tokens.tasks import end_retired, forget_requests, pause_alone, rotate_keys

pytestmark = pytest.mark.walks

OPERATOR = settings.OPERATOR_ALIAS
JOBS = {
    "agents.lapse": lapse,
    "audit.seal": seal_entries,
    "audit.seal_late": seal_late_entries,
    "delegations.expire": expire_delegations,
    "tokens.rotate_keys": rotate_keys,
    "tokens.forget_requests": forget_requests,
    "agents.settle_owners": settle_owners,
    "tokens.pause_alone": pause_alone,
    "tokens.end_retired": end_retired,
    "remit.tick": tick,
}
every_job = pytest.mark.parametrize(("name", "job"), JOBS.items(), ids=JOBS)


@pytest.fixture(autouse=True)
def _free():
    Lease.objects.using(OPERATOR).all().delete()


@pytest.fixture
def alone(world):
    """A tenant with something due for every job, in a database where the clock has no other tenant to visit."""
    Tenant.objects.exclude(pk=world.tenant.pk).update(status=Tenant.Status.DELETED)
    _seal_what_others_left(world.tenant)
    client = world.public_client().client
    now = timezone.now()
    with context.use(world.tenant):
        Delegation.objects.create(
            subject="usr_x", client=client, audience="https://a.example", scopes=["a"], origin="admin",
            agent=client.agent, expires_at=now - timedelta(seconds=1),
        )  # fmt: skip
        waits = Agent.objects.create(name="Waits", status=Agent.Status.PENDING)
        Approval.objects.create(kind="admission", agent=waits, created_at=now - timedelta(days=15))
        AuthorizationRequest.objects.create(
            handle=world.tenant.pk, member=world.people["alice"], client=client, parameters={}, shown={},
            expires=now - timedelta(days=2),
        )  # fmt: skip
        gone, long_ago = world.people["bob"], now - timedelta(days=40)
        Agent.objects.create(name="Just left", owner=gone)
        Agent.objects.create(name="Long alone", owner=gone, owner_left_at=long_ago)
        Agent.objects.create(name="Over", status="retired", retired_at=long_ago)
    world.rewrite(gone, status="suspended")
    return world


def _seal_what_others_left(tenant):
    """The ledger is chained for tenants that are gone, too, and one of them may have left more than a batch."""
    for other in ledger.all_tenants(using=OPERATOR):
        while other != tenant.pk and ledger.seal(other, using=OPERATOR, whole=True):
            pass


def _state(world):
    with context.use(world.tenant):
        return (
            list(Agent.objects.order_by("pk").values()),
            list(Delegation.objects.order_by("pk").values()),
            list(SigningKey.objects.order_by("pk").values()),
            list(AuthorizationRequest.objects.values()),
            list(Entry.objects.order_by("pk").values()),
            Seal.unscoped.filter(tenant_id=world.tenant.pk).count(),
        )


@every_job
def test_a_job_that_runs_again_does_nothing_again(alone, name, job):
    before = _state(alone)
    assert job() or name == "remit.tick"
    after = _state(alone)
    assert after != before or name == "remit.tick"
    assert not job()
    assert _state(alone) == after


@every_job
def test_a_job_whose_lease_somebody_holds_does_nothing(alone, name, job):
    held = timezone.now() + timedelta(seconds=30)
    Lease.objects.using(OPERATOR).create(name=name, holder="lea_other", until=held)
    before = _state(alone)
    assert not job()
    assert _state(alone) == before
    lease = Lease.objects.get(name=name)
    assert (lease.holder, lease.until) == ("lea_other", held)


@every_job
def test_a_job_whose_holder_died_is_taken_over(alone, name, job):
    Lease.objects.using(OPERATOR).create(name=name, holder="lea_dead", until=timezone.now())
    assert job() or name == "remit.tick"
    assert Lease.objects.get(name=name).holder != "lea_dead"


@every_job
def test_a_job_that_two_clocks_start_at_once_is_done_once(alone, name, job):
    done = crowd.at_once(4, lambda _: job() or 0)
    after = _state(alone)
    assert not job()
    assert _state(alone) == after
    assert sum(1 for each in done if each) == (name != "remit.tick")


# --- leases


def test_one_of_many_takes_a_new_lease():
    def take(number):
        with leases.held("test.new") as mine:
            crowd_has_tried.wait()
            return mine

    crowd_has_tried = crowd.Barrier(8)
    assert sum(crowd.at_once(8, take)) == 1


def test_one_of_many_takes_an_expired_lease():
    Lease.objects.using(OPERATOR).create(name="test.old", holder="lea_dead", until=timezone.now())
    crowd_has_tried = crowd.Barrier(8)

    def take(number):
        with leases.held("test.old") as mine:
            crowd_has_tried.wait()
            return mine

    assert sum(crowd.at_once(8, take)) == 1


def test_a_lease_is_given_back_even_when_the_job_fails():
    with pytest.raises(LookupError), leases.held("test.fails"):
        raise LookupError
    with leases.held("test.fails") as mine:
        assert mine


def test_whoever_lost_a_lease_by_being_late_does_not_end_the_next_holders():
    with leases.held("test.late", seconds=0) as first:
        assert first
        assert crowd.meanwhile(lambda: leases._take("test.late", "lea_second", 60))
    lease = Lease.objects.get(name="test.late")
    assert lease.holder == "lea_second"
    assert lease.until > timezone.now()


# --- what is due


def test_what_is_due_is_ended_once_by_two_clocks_at_once(world):
    client = world.public_client().client
    with context.use(world.tenant):
        for number in range(12):
            Delegation.objects.create(
                subject=f"usr_{number}", client=client, audience="https://a.example", origin="admin",
                expires_at=timezone.now() - timedelta(seconds=1),
            )  # fmt: skip
        alive = Delegation.objects.create(
            subject="usr_alive", client=client, audience="https://a.example", origin="admin",
            expires_at=timezone.now() + timedelta(hours=1),
        )  # fmt: skip
    closed = crowd.at_once(2, lambda _: delegation_actions.expire_due(timezone.now()), tenant=world.tenant)
    assert sum(closed) == 12
    entries = world.entries("delegation.expired")
    assert len(entries) == len({entry.about_id for entry in entries}) == 12
    assert [each.pk for each in world.delegations() if each.ended_at is None] == [alive.pk]


def test_what_is_due_is_ended_in_batches(world):
    client = world.public_client().client
    with context.use(world.tenant):
        for number in range(5):
            Delegation.objects.create(
                subject=f"usr_{number}", client=client, audience="https://a.example", origin="admin",
                expires_at=timezone.now() - timedelta(seconds=1),
            )  # fmt: skip
        assert [delegation_actions.expire_due(timezone.now(), limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_one_tenant_that_fails_does_not_keep_the_clock_from_the_others(alone, elsewhere, monkeypatch):
    Tenant.objects.filter(pk=elsewhere.tenant.pk).update(status=Tenant.Status.ACTIVE)
    visited = []

    def fail_in_the_first(now):
        visited.append(context.require_id())
        if len(visited) == 1:
            raise LookupError("poisoned")
        return 1

    monkeypatch.setattr(delegation_actions, "expire_due", fail_in_the_first)
    assert expire_delegations() == 1
    assert set(visited) == {alone.tenant.pk, elsewhere.tenant.pk}


def test_a_deleted_tenant_gets_no_new_keys(alone):
    Tenant.objects.update(status=Tenant.Status.DELETED)
    assert rotate_keys() == 0


# --- the schedule


def test_every_line_of_the_schedule_is_a_task_and_every_task_is_on_the_schedule():
    app.loader.import_default_modules()
    scheduled = {line["task"] for line in settings.CELERY_BEAT_SCHEDULE.values()}
    ours = {name for name in app.tasks if not name.startswith("celery.")}
    assert scheduled == ours
    assert len(scheduled) == len(settings.CELERY_BEAT_SCHEDULE)


def test_without_a_broker_a_task_runs_where_it_is_called():
    assert settings.CELERY_TASK_ALWAYS_EAGER
    tick.delay()
    assert timezone.now() - Lease.objects.get(name="remit.tick").until < timedelta(seconds=5)


def test_a_task_that_fails_without_a_broker_does_not_end_the_clock(monkeypatch):
    def fail(name):
        raise LookupError

    monkeypatch.setattr(leases, "held", fail)
    assert tick.delay().failed()
