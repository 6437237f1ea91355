"""The worker dies while it tells programs and people: what was committed reaches them, and nothing else does."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connections, transaction
from django.utils import timezone

from audit import ledger
from audit.events import Event
from audit.models import Entry
from kit import context
from notices.models import Delivery, Notice
from tests.faults import gate
from tests.faults.processes import until
from tests.harness import hostile, mailbox
from tests.harness.telling import Program, genuine, happens, read

pytestmark = [pytest.mark.faults, pytest.mark.long]
MANY = 40


@contextmanager
def undecided(run):
    """Let something happen in a transaction that is open as long as the block lasts, and is undone then."""
    written, over = threading.Event(), threading.Event()

    def hold():
        with context.use(run.world.tenant), transaction.atomic():
            entry = happens(run.world)
            written.set()
            while not over.wait(1):
                Entry.objects.exists()  # One that stands still is ended.
            transaction.set_rollback(True)
        connections.close_all()
        return entry.pk

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        assert written.wait(10)
        try:
            yield holding
        finally:
            over.set()


def kill_at(run, task, operation, table, condition):
    """Let a worker begin with a job, and die where it is about to write this."""
    run.let_leases_lapse()
    with gate.closed(run.cluster, operation, table, condition) as closed:
        worker = run.product.worker()
        run.product.send(task, times=1)
        closed.await_visitor(worker)
        worker.kill()
        closed.turn_away()


def go_on(run, task, is_done):
    """Let another worker do what is left, when claims and leases of whoever died are over."""
    with context.use(run.world.tenant):
        for rows in (Delivery, Notice):
            rows.objects.filter(state="waiting").update(next_try_at=timezone.now())
    run.let_leases_lapse()
    worker = run.product.worker()
    run.product.send(task, times=5)
    until(is_done, worker)
    worker.kill()


def read_halfway(run, table, rows, happened):
    """Let a worker die while it reads the ledger, and another read it."""
    ledger.seal(run.world.tenant.pk, using="operator")
    kill_at(run, "notices.read", "INSERT", table, f"NEW.entry_id = '{happened[MANY // 2]}'")
    assert rows() == []
    go_on(run, "notices.read", lambda: len(rows()) == MANY)


def told_halfway(run, program):
    """Let a worker die over one event before it is sent, and over another that was taken; return the other."""
    waiting = [each.entry_id for each in program.deliveries()]
    early, late = MANY // 4, MANY // 2
    claiming = f"NEW.attempts > OLD.attempts AND NEW.entry_id = '{waiting[early]}'"
    kill_at(run, "notices.deliver", "UPDATE", "notices_delivery", claiming)
    assert program.ids == waiting[:early]
    settling = f"NEW.state = 'delivered' AND NEW.entry_id = '{waiting[late]}'"
    kill_at(run, "notices.deliver", "UPDATE", "notices_delivery", settling)
    assert program.ids == waiting[: late + 1]
    return waiting[late]


def hung_up_on(run, program):
    """Let a worker die while the program has read what it is told and has not answered; return what it was told."""
    came, over = threading.Event(), threading.Event()
    program.answers(lambda connection: (came.set(), over.wait(30)))
    run.let_leases_lapse()
    worker = run.product.worker()
    run.product.send("notices.deliver", times=1)
    until(came.is_set, worker)
    worker.kill()
    over.set()
    program.answers(hostile.json_answer(b"{}"))
    return program.ids[-1]


def test_a_worker_killed_while_it_tells_a_program_leaves_nothing_out_and_tells_nothing_that_did_not_happen(
    run, redis, documents
):
    program = Program(run.world, documents)
    with undecided(run) as undone:
        happened = sorted(happens(run.world).pk for _ in range(MANY))
        read_halfway(run, "notices_delivery", program.deliveries, happened)
        repeated = [told_halfway(run, program), hung_up_on(run, program)]
        go_on(run, "notices.deliver", lambda: all(each.state == "delivered" for each in program.deliveries()))
    told = Counter(program.ids)
    assert undone.result() not in told
    assert sorted(told) == happened
    assert told - Counter(happened) == Counter(repeated), "one repeats for each kill behind its sending"
    assert len({(each.headers["webhook-id"], each.body) for each in program.told}) == MANY
    assert all(genuine(each, program.secret) for each in program.told)
    run.check(
        "kill -9 of the worker while a webhook is told: reading, before, after and in the middle of a try",
        "everything that was committed at least once, a repeat under the same id, and nothing else",
    )


@pytest.fixture
def box(run):
    with mailbox.listening() as box:
        run.product.environment["REMIT_MAIL_URL"] = f"smtp://127.0.0.1:{box.server_address[1]}"
        yield box


def received(box, of):
    """Return which of these came, by the number in each Message-ID: what others left behind is sent as well."""
    come = [each["Message-ID"].strip("<>").partition("@")[0] for each in box.messages]
    return [each for each in come if each in of]


def waiting_mail(run):
    with context.use(run.world.tenant):
        return list(Notice.objects.filter(state="waiting").order_by("next_try_at", "pk").values_list("pk", flat=True))


def test_a_worker_killed_while_it_sends_mail_leaves_nothing_out_and_repeats_one_at_most(run, redis, box):
    for _ in range(MANY):
        happens(run.world, event=Event.RECOVERY_CODE_USED, about=run.world.people["alice"])
    read(run.world)
    waiting = waiting_mail(run)
    assert len(waiting) == MANY
    early, late = MANY // 4, MANY // 2
    kill_at(
        run, "notices.send", "UPDATE", "notices_notice", f"NEW.attempts > OLD.attempts AND NEW.id = '{waiting[early]}'"
    )
    assert received(box, waiting) == waiting[:early]
    settling = f"NEW.state = 'sent' AND NEW.id = '{waiting[late]}'"
    kill_at(run, "notices.send", "UPDATE", "notices_notice", settling)
    assert received(box, waiting) == waiting[: late + 1]
    go_on(run, "notices.send", lambda: not waiting_mail(run))
    assert Counter(received(box, waiting)) == Counter([*waiting, waiting[late]])
    run.check(
        "kill -9 of the worker while mail is sent: before a server has it, and behind that",
        "each at least once; one at most comes twice, under the same Message-ID",
    )
