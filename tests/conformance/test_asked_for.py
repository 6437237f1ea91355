"""What somebody asked for: told of in the middle of its time, and listed with what became of it, to them alone."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents.models import Approval
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.conformance.test_admission import console, wait
from tests.conformance.test_calendar_notices import box, morning, round_of, tell
from tests.conformance.test_resources_api import asker
from tests.spec import spec

__all__ = ["box"]


@pytest.fixture
def asked(world):
    """Alice wants an agent that waits for somebody to decide."""
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="admission")
    scout = world.public_client("Scout")
    wait(world, scout, "alice", reason="for my trip")
    with context.use(world.tenant):
        return Approval.objects.get()


def old(world, approval, **ago):
    world.rewrite(approval, created_at=timezone.now() - timedelta(**ago))


@spec("RFC 5322", "3.6")
def test_whoever_asked_is_told_on_the_seventh_day_that_nobody_decided_and_once(world, asked, box):
    tell(world, box)
    tomorrow = morning(world, 1)
    old(world, asked, days=5)
    round_of(world, tomorrow)
    assert "Nobody has decided" not in str([each["Subject"] for each in tell(world, box).values()])
    old(world, asked, days=8)
    round_of(world, morning(world, 2))
    told = tell(world, box)
    assert told["alice"]["Subject"] == "Nobody has decided about Scout yet"
    words = told["alice"].get_body(("plain",)).get_content()
    assert "If nobody decides until" in words
    assert "/me/questions" in words
    round_of(world, morning(world, 3))
    assert "alice" not in tell(world, box)


@spec("RFC 5322", "3.6")
def test_nobody_is_told_of_what_was_decided_or_nobody_asked_for(world, asked, box):
    world.public_client("Stranger")
    ada = console(world)
    ada.submit(ada.form(f"/approvals/{asked.pk}/deny"), {"reason": "No."})
    with context.use(world.tenant):
        Approval.objects.update(created_at=timezone.now() - timedelta(days=8))
    round_of(world, morning(world, 1))
    assert world.entries("approval.undecided") == []


@spec("RFC 9110", "15.3.1")
def test_what_somebody_asked_for_is_listed_with_what_became_of_it_to_them_alone(world, asked):
    alice, bob = world.browser("alice"), world.browser("bob")
    alice.go(world.url("/me/questions"))
    assert "What you asked for" in alice.words()
    assert "Scout wants to read your calendar" in alice.words()
    assert "“for my trip” Waiting" in alice.words()
    bob.go(world.url("/me/questions"))
    assert "What you asked for" not in bob.words()
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="open")
    ask, of_bob = asker(world, "alice", "questions:read"), asker(world, "bob", "questions:read")
    (row,) = ask("GET", "/questions/wanted").json()["wanted"]
    assert (row["status"], row["words"], row["lapses_at"] is None) == ("waiting", "for my trip", False)
    assert row["summary"].startswith("Scout wants to read your calendar")
    assert of_bob("GET", "/questions/wanted").json()["wanted"] == []
    ada = console(world)
    ada.submit(ada.form(f"/approvals/{asked.pk}/deny"), {"reason": "We buy through procurement."})
    (row,) = ask("GET", "/questions/wanted").json()["wanted"]
    assert (row["status"], row["reason"], row["lapses_at"]) == ("denied", "We buy through procurement.", None)
    alice.go(world.url("/me/questions"))
    assert "We buy through procurement." in alice.words()
