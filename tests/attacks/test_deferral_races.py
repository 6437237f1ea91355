"""One deferral code, and everything that can happen to it at the same moment (DTR; RFC 9700 §4.14)."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from agents.errors import AgentError
from tests.harness import deferral, rush
from tests.harness.rush import answers, minted, start_together, verdicts
from tests.spec import spec


@pytest.fixture
def crowd(world):
    with rush.callers(world) as pool:
        yield pool


@pytest.fixture
def waiting(world):
    who = world.worker()
    world.rewrite(who.client.agent, ceiling={world.calendar.identifier: ["events:read"]})
    return deferral.more(world, who)


@spec("DTR", "polling")
def test_of_fifty_polls_of_one_approved_request_one_is_answered_and_its_token_lives(world, crowd, waiting):
    waiting.approve()
    found = answers(start_together(crowd, waiting.poll_now))
    assert verdicts(found) == {(200, ""), (400, "invalid_grant")}
    (token,) = rush.tokens(found)
    assert minted(world) == 1
    assert world.is_active(token)
    (held,) = world.delegations()
    assert held.scopes == ["events:read", "events:write"]


@spec("DTR", "polling")
def test_of_fifty_that_ask_for_more_at_once_all_wait_for_one_question(world, crowd, waiting):
    ask = lambda: world.own_token(waiting.who, scope="events:write contacts:read", **deferral.WAITS)  # noqa: E731
    found = answers(start_together(crowd, ask))
    # As many as may wait, beside the one that waits already.
    assert verdicts(found) == {(400, "authorization_pending"), (400, "invalid_scope")}
    assert len(world.entries("approval.asked")) == 1
    assert waiting.question().asked == {world.calendar.identifier: ["contacts:read", "events:write"]}


@spec("RFC 7009", "2.1")
def test_taken_back_while_it_is_answered_it_is_one_or_the_other(world, crowd, waiting):
    waiting.approve()
    pending = start_together(crowd, waiting.poll_now)
    world.revoke(waiting.who, waiting.code)
    count = minted(world)
    found, row = answers(pending), waiting.row()
    assert minted(world) == count == len(rush.tokens(found)) == (0 if row.status == "cancelled" else 1)
    assert (row.used_at is None) == (row.status == "cancelled")


@spec("DTR", "deciding")
def test_decided_and_taken_back_at_once_the_question_ends_once(world, waiting):
    for _ in range(6):
        gate = threading.Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            decided = pool.submit(_together, gate, waiting.approve)
            taken = pool.submit(_together, gate, lambda each=waiting: world.revoke(each.who, each.code))
            was_decided, _ = decided.result(timeout=30), taken.result(timeout=30)
        assert waiting.question().status == ("approved" if was_decided else "lapsed")
        assert waiting.row().status == "cancelled"
        assert waiting.poll().json()["error"] == "invalid_grant"
        assert minted(world) == 0
        if was_decided:
            waiting.undo()
            world.rewrite(waiting.question(), status="lapsed")
        waiting = deferral.more(world, waiting.who)


@spec("DTR", "deciding")
def test_answered_while_the_decision_is_taken_back_it_is_one_or_the_other(world, waiting):
    for _ in range(4):
        waiting.approve()
        gate = threading.Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            polled = pool.submit(_together, gate, lambda each=waiting: each.poll_now().status_code == 200)
            undone = pool.submit(_together, gate, waiting.undo)
            was_undone, _ = undone.result(timeout=30), polled.result(timeout=30)
        was_answered = waiting.row().used_at is not None
        assert was_answered != was_undone
        assert waiting.question().status == ("waiting" if was_undone else "approved")
        if was_answered:
            return


def _together(gate, act):
    """Act once everybody is here; say whether it was in time."""

    gate.wait(timeout=30)
    try:
        return act() is not False
    except AgentError:
        return False
    finally:
        connections.close_all()
