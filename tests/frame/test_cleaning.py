"""What is over goes: in batches, found by an index, and never what somebody may still ask for."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone

from agents import lifecycle
from agents.models import Approval, UsedAssertion
from api import idempotency
from api.models import KeptAnswer
from delegations.models import Delegation
from kit import context, identifiers
from notices import exporting, turns
from notices import forgetting as told
from notices.models import Job, JobItem, JobPart, Notice
from remit import forgetting as over
from remit.tasks import forget_sessions
from tenants import clock, sign_ins
from tests.harness import crowd, deferral
from tokens import deferrals, fetchers, forgetting
from tokens.models import AccessToken, AuthorizationCode, AuthorizationRequest, Deferral, KeyFetch, RefreshToken
from trust.models import UsedGrant

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def _plan(rows):
    """Return how the database finds a batch of rows, where it has no reason to read everything."""
    with transaction.atomic():
        if settings.IS_POSTGRESQL:
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        return rows.values_list("pk", flat=True)[: clock.BATCH].explain()


DUE = {
    "request_due": lambda now: forgetting.requests(now),
    "device_due": lambda now: forgetting.devices(now),
    "deferral_due": lambda now: forgetting.deferrals(now),
    "answer_due": lambda now: idempotency.over(now),
    "agent_retired": lambda now: lifecycle.over_due(now),
    "family key": lambda now: forgetting.families(now),
    "code_due": lambda now: forgetting.codes(now),
    "fetch_due": lambda now: forgetting.fetches(now),
    "primary key": lambda now: forgetting.tokens(now, "tok"),
    "assertion_due": lambda now: UsedAssertion.objects.filter(expires_at__lt=now).order_by("expires_at"),
    "used_grant_due": lambda now: UsedGrant.objects.filter(expires_at__lt=now).order_by("expires_at"),
    "job_part_due": lambda now: exporting.over(now),
    "turn_due": lambda now: turns.over(now),
    "notice_over": lambda now: told.notices(now),
    "job_over": lambda now: told.jobs(now),
    "job key": lambda now: told.items("job_x"),
    "sign_in_due": lambda now: sign_ins.due(now),
    "django_session_expire_date": lambda now: over.over(now),
}


KEYS = {
    "family key": ("tokens_refreshtoken_pkey", "autoindex_tokens_refreshtoken"),
    "primary key": ("tokens_accesstoken_pkey", "autoindex_tokens_accesstoken"),
    # Two of them begin with the job; which of both is read hangs on what the planner knows.
    "job key": ("one_item_of_a_job|notices_jobitem_job_id", "autoindex_notices_jobitem"),
}


@pytest.mark.parametrize("index", DUE)
def test_what_is_due_is_found_by_an_index(world, index):
    with context.use(world.tenant):
        plan = _plan(DUE[index](timezone.now()))
    named = KEYS[index][not settings.IS_POSTGRESQL] if index in KEYS else index
    assert re.search(named, plan), plan
    assert "Seq Scan" not in plan


@pytest.fixture
def fetch(world):
    """Let programs have fetched the keys some days ago."""

    def made(*days):
        with context.use(world.tenant):
            for number, ago in enumerate(days):
                at = timezone.now() - timedelta(days=ago)
                KeyFetch.objects.create(program=f"p/{number}", network="192.0.2.0/24", first_at=at, last_at=at)

    return made


def test_it_goes_in_batches_and_what_is_left_has_its_turn_again(world, fetch):
    fetch(40, 41, 42, 43, 44, 1)
    with context.use(world.tenant):
        rows = forgetting.fetches(timezone.now())
        assert [clock.forget(rows, batch=2, most=2), clock.forget(rows, batch=2, most=2), clock.forget(rows)] == [
            4,
            1,
            0,
        ]
        assert KeyFetch.objects.count() == 1


def test_two_at_once_remove_each_row_once_and_nothing_that_came_back(world, fetch):
    fetch(*[40] * 30)
    with context.use(world.tenant):
        KeyFetch.objects.filter(program="p/7").update(last_at=timezone.now())
    removed = crowd.at_once(3, lambda _: clock.forget(forgetting.fetches(timezone.now()), batch=4), tenant=world.tenant)
    assert sum(removed) == 29
    with context.use(world.tenant):
        assert [each.program for each in KeyFetch.objects.all()] == ["p/7"]
    assert timedelta(days=27) < fetchers.KEPT


def test_a_code_stays_until_its_replay_need_not_be_seen(world):
    code, _ = world.code(world.public_client())
    stored = world.stored_code(code)
    with context.use(world.tenant):
        assert clock.forget(forgetting.codes(stored.expires + DAY)) == 0
        assert clock.forget(forgetting.codes(stored.expires + DAY + SECOND)) == 1
        assert not AuthorizationCode.objects.exists()
        assert clock.forget(forgetting.requests(timezone.now())) == 0
        assert clock.forget(forgetting.requests(timezone.now() + 2 * DAY)) == 1
        assert not AuthorizationRequest.objects.exists()


@pytest.fixture
def tokens(world):
    """Three tokens of one delegation and one of another, made a hundred days ago; the second came of the first."""
    worker, other = world.worker(), world.worker()
    made = [world.own_token(each).json()["access_token"] for each in (worker, worker, worker, other)]
    assert len(made) == 4
    ago = timedelta(days=100)
    with context.use(world.tenant):
        found = list(AccessToken.objects.order_by("pk"))
        for number, row in enumerate(found):
            moved = identifiers.at("tok", row.created - ago + number * timedelta(minutes=1))
            AccessToken.objects.filter(pk=row.pk).update(
                id=moved, created=row.created - ago + number * timedelta(minutes=1), expires=row.expires - ago
            )
        rows = list(AccessToken.objects.order_by("pk"))
        AccessToken.objects.filter(pk=rows[1].pk).update(parent=rows[0])
    return rows


def test_an_old_token_goes_after_what_came_of_it_and_the_newest_of_a_delegation_stays(world, tokens):
    now = timezone.now()
    first, _, third, other = (row.pk for row in tokens)
    with context.use(world.tenant):
        assert forgetting.forget(now) == 1
        assert _left() == [first, third, other]
        assert forgetting.forget(now) == 1
        assert _left() == [third, other]
        assert forgetting.forget(now) == 0
    ended = next(each for each in world.delegations() if each.pk == tokens[3].delegation_id)
    world.rewrite(ended, ended_at=now)
    with context.use(world.tenant):
        assert forgetting.forget(now) == 1
        assert _left() == [third]


def _left():
    return list(AccessToken.objects.order_by("pk").values_list("pk", flat=True))


def test_a_family_goes_when_nothing_hangs_on_it_and_one_that_was_ended_stays_with_its_agent(world):
    scout, other = world.public_client(), world.public_client("Other")
    granted, ended = (world.grant(each)["refresh_token"].partition(".")[0] for each in (scout, other))
    now = timezone.now()
    late = now + forgetting.TOKENS_KEPT + timedelta(days=settings.REFRESH_IDLE_DAYS)
    with context.use(world.tenant):
        RefreshToken.objects.filter(pk=ended).update(ended_by=world.people["alice"].pk)
        assert list(forgetting.families(late + DAY)) == [], "tokens and codes are of them"
        AccessToken.objects.all().delete()
        AuthorizationCode.objects.all().delete()
        assert list(forgetting.families(late - DAY)) == [], "somebody may look at them"
        assert [each.pk for each in forgetting.families(late + DAY)] == [granted]
        Delegation.objects.filter(client=other.client).update(ended_at=now)
        assert clock.forget(forgetting.families(late + DAY)) == 2
        assert RefreshToken.objects.count() == 0
    assert [each.about_id for each in world.entries("delegation.allowed")], "the ledger has what it was"


def test_kept_answers_go_in_batches(world):
    with context.use(world.tenant):
        KeptAnswer.objects.bulk_create(
            KeptAnswer(caller="x", key=str(number), request="x", expires_at=timezone.now() - SECOND)
            for number in range(5)
        )
        assert clock.forget(idempotency.over(timezone.now()), batch=2, most=2) == 4
        assert idempotency.forget_due(timezone.now()) == 1


def test_a_token_that_is_younger_than_ninety_days_stays(world):
    worker = world.worker()
    for _ in range(2):
        world.own_token(worker)
    with context.use(world.tenant):
        assert forgetting.forget(timezone.now() + timedelta(days=89)) == 0
        assert forgetting.forget(timezone.now() + timedelta(days=91)) == 1


def test_sessions_that_are_over_go_and_people_who_are_signed_in_stay(world):
    world.browser("alice")
    key = f"over{world.tenant.pk}"[:40]
    Session.objects.create(session_key=key, session_data="", expire_date=timezone.now() - SECOND)
    alive = Session.objects.filter(expire_date__gt=timezone.now()).count()
    assert forget_sessions() >= 1
    assert not Session.objects.filter(pk=key).exists()
    assert Session.objects.count() == alive >= 1


def test_a_request_that_waited_goes_a_day_after_it_was_over_answered_or_not(world):
    first, second = (deferral.more(world, world.worker(), "contacts:read") for _ in range(2))
    first.approve()
    assert first.poll().status_code == 200
    over = max(first.row().expires, second.row().expires)
    with context.use(world.tenant):
        assert deferrals.forget(over + DAY - timedelta(minutes=1)) == 0
        assert deferrals.forget(over + DAY + SECOND) == 2
        assert not Deferral.objects.exists()


def _mail(world, state, *, days, kind="approval-decided", about=""):
    ago = timezone.now() - timedelta(days=days)
    return Notice.objects.create(
        entry_id=identifiers.make("evt"), kind=kind, about_id=about, recipient=world.people["alice"], state=state,
        created_at=ago,
    )  # fmt: skip


def test_mail_goes_that_was_sent_long_ago_and_none_that_waits_or_that_nobody_took(world):
    with context.use(world.tenant):
        gone = [_mail(world, state, days=91) for state in ("sent", "moot")]
        stay = [_mail(world, state, days=91) for state in ("waiting", "given_up")]
        stay += [_mail(world, state, days=89) for state in ("sent", "moot")]
        assert {each.pk for each in told.notices(timezone.now())} == {each.pk for each in gone}
        assert told.forget(timezone.now()) == 2
        assert set(Notice.objects.all()) == set(stay)
        with override_settings(NOTICE_DAYS=88):
            assert told.forget(timezone.now()) == 2


def test_whoever_is_told_once_of_something_is_not_told_again_as_long_as_it_is_there(world):
    world.grant(world.public_client())
    delegation = world.delegations()[0]
    with context.use(world.tenant):
        asked = Approval.objects.create(kind="admission", agent=delegation.agent)
        _mail(world, "sent", days=91, kind="acts-for-you", about=delegation.pk)
        _mail(world, "sent", days=91, kind="approval-waiting", about=asked.pk)
        assert told.forget(timezone.now()) == 0
    world.rewrite(delegation, ended_at=timezone.now())
    world.rewrite(asked, status="denied")
    with context.use(world.tenant):
        assert told.forget(timezone.now()) == 2


def _work(world, state, *, days=0, items=3, **how):
    finished = timezone.now() - timedelta(days=days) if days else None
    job = Job.objects.create(kind="end", state=state, asked_by=world.people["ada"], finished_at=finished, **how)
    JobItem.objects.bulk_create(JobItem(job=job, object_id=f"dlg_{number}", state="done") for number in range(items))
    return job


def test_work_that_is_over_goes_with_its_items_and_none_that_is_under_way(world):
    with context.use(world.tenant):
        gone = [_work(world, state, days=91) for state in ("done", "stopped")]
        stay = [_work(world, "running"), _work(world, "stopping"), _work(world, "done", days=89)]
        assert told.forget(timezone.now()) == 2 + 6
        assert not Job.objects.filter(pk__in=[each.pk for each in gone]).exists()
        assert {each.job_id for each in JobItem.objects.all()} == {each.pk for each in stay}
        assert JobItem.objects.count() == 9
        with override_settings(JOB_DAYS=88):
            assert told.forget(timezone.now()) == 1 + 3


def test_work_stays_as_long_as_its_file_or_what_gave_it_back(world):
    with context.use(world.tenant):
        ended = _work(world, "done", days=92)
        _work(world, "done", days=91, of=ended)
        with_file = _work(world, "done", days=91, items=0)
        JobPart.objects.create(job=with_file, number=1, content=b"x")
        assert told.forget(timezone.now()) == 6 + 1
        assert set(Job.objects.all()) == {ended, with_file}
        assert told.forget(timezone.now() + 8 * DAY) == 1 + 2
        assert not Job.objects.exists()


def test_items_of_work_go_in_batches_and_two_at_once_remove_each_once(world, monkeypatch):
    monkeypatch.setattr(told, "_MOST", 4)
    monkeypatch.setattr(clock.forget, "__kwdefaults__", {"batch": 2, "most": 2})
    with context.use(world.tenant):
        for days in (93, 92, 91):
            _work(world, "done", days=days, items=5)
        assert told.forget(timezone.now()) == 4, "of the oldest"
        assert Job.objects.count() == 3
    removed = crowd.at_once(3, lambda _: sum(_rest()), tenant=world.tenant)
    assert sum(removed) == 1 + 10 + 3


def _rest():
    while done := told.forget(timezone.now()):
        yield done
