"""Whatever agents, people and admins do, in any order: no authority grows on its way, and none outlives its end.

The suite plays the same steps every time, `make soak` new ones; `REMIT_TEST_SOAK=20` plays twenty times as long, and
`REMIT_TEST_SEED`, printed by a failure, plays the same again.
"""

import os
import secrets
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, seed
from hypothesis import settings as rules
from hypothesis.stateful import run_state_machine_as_test

from audit import ledger
from remit.settings import OPERATOR_ALIAS
from tests import settings
from tests.harness.caller import Caller
from tests.properties import stage
from tests.properties.machine import machine
from tests.spec import spec

SOAK = int(os.environ.get("REMIT_TEST_SOAK", "0"))
STEPS, OF_EACH_RULE = {"postgresql": (2000, 10), "sqlite": (400, 2)}[settings.KIND]
"""What the suite plays: the rules are the same on both, and what SQLite decides otherwise shows in a few hundred."""
RULES = rules(
    max_examples=10,
    stateful_step_count=50,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)


@pytest.fixture
def played(world):
    caller = Caller(world)
    yield stage.make(world, caller)
    caller.close()
    # Thousands of entries: whoever tests the clock after this would wait for them.
    while ledger.seal(world.tenant.pk, using=OPERATOR_ALIAS):
        continue


def play(played, chosen):
    """Play one batch of examples."""
    try:
        run_state_machine_as_test(seed(chosen)(machine(played)), settings=RULES)
    except BaseException as error:
        error.add_note(f"To play it again: REMIT_TEST_SEED={chosen}")
        raise


def is_enough(played):
    times = SOAK or 1
    return played.tried.total() >= STEPS * times and min(played.tried.values()) >= OF_EACH_RULE * times


@spec("RFC 8693", "4.1")
def test_no_order_of_events_makes_a_token_wider_longer_deeper_or_alive_after_its_end(played):
    again = os.environ.get("REMIT_TEST_SEED")
    if again:
        play(played, int(again))
        return
    for known in count():
        if is_enough(played):
            break
        play(played, secrets.randbits(32) if SOAK else known)
    print(played.tally())
    assert not {name: played.tally() for name, rate in played.rates().items() if rate < 0.3}
