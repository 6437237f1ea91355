"""Provisioning gives way to requests, and comes again."""

import psycopg
import pytest
from django.db import OperationalError

from tenants.management.commands import provision

pytestmark = pytest.mark.once


def failing(cause, times):
    """Return a step that fails so often, and the list of its tries."""
    tries = []

    def step():
        tries.append(True)
        if len(tries) <= times:
            raise OperationalError from cause

    return step, tries


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(provision.time, "sleep", lambda seconds: None)


CAUSES = [psycopg.errors.LockNotAvailable(), psycopg.errors.DeadlockDetected()]


@pytest.mark.parametrize("cause", CAUSES, ids=["lock", "deadlock"])
def test_a_step_that_gave_way_comes_again_until_it_has_its_turn(cause):
    step, tries = failing(cause, 3)
    provision.insist(step)
    assert len(tries) == 4


def test_a_step_that_never_has_its_turn_is_given_up():
    step, tries = failing(psycopg.errors.LockNotAvailable(), 1000)
    with pytest.raises(OperationalError):
        provision.insist(step)
    assert len(tries) == provision.TRIES


def test_a_step_that_fails_for_another_reason_is_not_taken_again():
    step, tries = failing(psycopg.errors.DiskFull(), 1)
    with pytest.raises(OperationalError):
        provision.insist(step)
    assert len(tries) == 1
