"""Many polls of one device code at the same moment (RFC 8628 §3.5, RFC 9700 §4.14)."""

import pytest

from audit.principals import SYSTEM
from kit import context
from tests.harness import device, rush
from tests.harness.rush import MANY, answers, minted, start_together, verdicts
from tests.spec import spec
from tokens import actions as token_actions


@pytest.fixture
def crowd(world):
    with rush.callers(world) as pool:
        yield pool


@spec("RFC 8628", "3.4")
def test_of_fifty_polls_of_one_allowed_code_one_wins_and_its_token_lives_on(world, crowd):
    started = device.start(world)
    started.decide()
    found = answers(start_together(crowd, started.poll))
    assert verdicts(found) == {(200, ""), (400, "invalid_grant")}
    (token,) = rush.tokens(found)
    assert minted(world) == 1
    assert world.is_active(token)
    (won,) = [answer.json() for answer in found if answer.status_code == 200]
    assert world.refresh(started.who, won["refresh_token"]).status_code == 200


@spec("RFC 8628", "3.5")
def test_of_fifty_polls_of_one_waiting_code_one_is_in_time_and_each_other_one_costs_five_seconds(world, crowd):
    started = device.start(world)
    found = answers(start_together(crowd, started.poll))
    assert verdicts(found) == {(400, "authorization_pending"), (400, "slow_down")}
    assert sum(answer.json()["error"] == "slow_down" for answer in found) == MANY - 1
    assert started.row().poll_seconds == 5 + 5 * (MANY - 1)
    assert minted(world) == 0


@spec("RFC 8628", "3.5")
def test_no_poll_in_flight_outlives_the_end_of_the_delegation(world, crowd):
    for _ in range(3):
        started = device.start(world)
        started.decide()
        pending = start_together(crowd, started.poll)
        with context.use(world.tenant):
            token_actions.end_delegation(world.delegations()[-1], by=SYSTEM, reason="enough")
            count = minted(world)
        found = answers(pending)
        assert minted(world) == count
        assert not any(world.is_active(each) for each in rush.tokens(found))
