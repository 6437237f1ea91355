"""A delegation in words: six facts, and nothing that is not so."""

from datetime import UTC, datetime, timedelta

import pytest

from audit.principals import SYSTEM
from delegations import actions
from delegations.models import Delegation
from delegations.sentence import clock_words, in_words, listed, sentence
from kit import context

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def said(world):
    """Return a function that says a delegation of alice's to Scout with these changes."""
    client = world.public_client().client

    def say(now=NOON, **changes):
        values = {
            "subject": world.people["alice"].pk, "member": world.people["alice"], "agent": client.agent,
            "client": client, "resource_server": world.calendar, "audience": world.calendar.identifier,
            "scopes": ["events:read", "events:write"], "origin": "consent",
            "expires_at": datetime(2026, 12, 1, 18, 30, tzinfo=UTC),
        }  # fmt: skip
        with context.use(world.tenant):
            return sentence(Delegation(**{**values, **changes}), now=now)

    return say


def test_it_says_who_what_where_for_whom_until_when_and_that_it_lives(said):
    assert said() == (
        "Scout may read your calendar and change your calendar at Calendar for Alice, until 1 December 2026, 18:30."
    )


def test_it_says_that_it_is_over(said):
    over = "Scout could read your calendar and change your calendar at Calendar for Alice, which is over."
    assert said(ended_at=NOON) == over
    assert said(now=datetime(2026, 12, 1, 18, 30, tzinfo=UTC)) == over


def test_it_names_no_scope_that_is_not_allowed(said):
    assert "change" not in said(scopes=["events:read"])


def test_it_says_when_there_is_no_end(said):
    assert said(expires_at=None).endswith("with no end date.")


def test_it_says_that_an_agent_acts_for_itself(said):
    assert " for itself," in said(member=None)


def test_it_says_that_it_is_about_sign_in_alone(said):
    assert "know who is signed in at sign-in" in said(resource_server=None, scopes=["openid"])


def test_the_ledger_keeps_the_sentence_as_it_was_that_day(world):
    worker = world.worker("events:read events:write")
    (allowed,) = world.entries("delegation.allowed")
    assert allowed.detail["sentence"] == (
        "Worker may read your calendar and change your calendar at Calendar for itself, with no end date."
    )
    (delegation,) = world.delegations()
    with context.use(world.tenant):
        actions.revoke(delegation, by=SYSTEM, reason="done")
    (ended,) = world.entries("delegation.ended")
    assert ended.detail["sentence"].startswith("Worker could ")
    assert ended.through == worker.client.agent.pk


@pytest.mark.parametrize(
    ("words", "joined"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_words_are_joined_as_people_join_them(words, joined):
    assert listed(words) == joined


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(days=6), "in 6 days"),
        (timedelta(hours=6), "today at 18:00"),
        (timedelta(days=1), "tomorrow"),
        (timedelta(seconds=-20), "just now"),
        (timedelta(minutes=-2), "2 min ago"),
        (timedelta(hours=-3), "3 h ago"),
        (timedelta(days=-1), "yesterday"),
        (timedelta(days=-9), "9 days ago"),
    ],
)
def test_a_moment_is_said_as_seen_from_now(ahead, words):
    assert in_words(NOON + ahead, now=NOON) == words


def test_no_moment_is_no_end_date():
    assert in_words(None, now=NOON) == "no end date"


def test_a_choice_of_how_long_is_said_for_a_button():
    assert clock_words(NOON + timedelta(hours=6), now=NOON, time_zone="UTC") == "until 18:00"
    assert clock_words(NOON + timedelta(hours=12), now=NOON, time_zone="UTC") == "until midnight"
    assert clock_words(NOON + timedelta(days=7), now=NOON, time_zone="UTC") == "until 1 December"
