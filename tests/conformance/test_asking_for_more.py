"""An agent that asks for more than it was approved for: one question, decided where all are, and never by more."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents import actions as agent_actions
from agents import admission, lapsing
from agents.models import Agent
from audit.principals import SYSTEM
from kit import context
from tests.conformance.test_admission import console
from tests.conformance.test_api import api_token, call
from tests.conformance.test_approvals_api import SCOPES, post
from tests.harness import deferral
from tests.harness.deferral import Waiting
from tests.harness.footprint import leaves_only
from tests.harness.wire import assert_refused
from tests.harness.world import Credentials, World
from tests.spec import spec


@pytest.fixture
def worker(world: World) -> Credentials:
    who = world.worker()
    world.rewrite(who.client.agent, ceiling={world.calendar.identifier: ["events:read"]})
    return who


@pytest.fixture
def waiting(world: World, worker: Credentials) -> Waiting:
    return deferral.more(world, worker, "events:read events:write contacts:read")


def agent(world: World, who: Credentials) -> Agent:
    with context.use(world.tenant):
        return Agent.objects.get(pk=who.client.agent_id)


def at_the_calendar(world: World, *scopes: str) -> dict[str, list[str]]:
    return {world.calendar.identifier: list(scopes)}


@spec("DTR", "deciding")
def test_the_card_shows_what_is_new_and_for_itself_and_what_is_ticked_is_what_it_gets(world, worker, waiting):
    browser = console(world)
    said = browser.words()
    for words in ("It asks for more", "At Calendar it asks for", "+ new: Change your calendar", "for itself"):
        assert words in said, words
    assert "+ new: Read your calendar" not in said
    assert "Whatever people allow it, anywhere" not in said
    form = browser.form("/approve")
    ticked = [f"{world.calendar.identifier} {scope}" for scope in ("events:read", "contacts:read")]
    browser.submit(form, {"owner": world.people["bob"].pk, "scope": ticked})
    assert browser.page.status_code == 200
    assert waiting.poll().json()["scope"] == "contacts:read events:read"
    assert agent(world, worker).ceiling == at_the_calendar(world, "contacts:read", "events:read")


@spec("DTR", "deciding")
def test_over_rest_it_is_read_and_decided_and_never_by_more_than_it_asked_for(world, worker):
    token = api_token(world, world.public_client("Console app"), "ada", SCOPES)
    waiting = deferral.more(world, worker, "events:write contacts:read")
    question = waiting.question()
    read = call(world, token, f"/approvals/{question.pk}").json()
    asked = at_the_calendar(world, "contacts:read", "events:write")
    assert (read["kind"], read["asked"], read["own"]) == ("scopes", asked, asked)
    said = {"owner": world.people["bob"].pk, "ceiling": at_the_calendar(world, "contacts:read")}
    beyond = [
        {"ceiling": at_the_calendar(world, "events:read")},
        {"ceiling": {world.notes.identifier: ["notes:read"]}},
        {"longest": 3600},
    ]
    for each in beyond:
        with leaves_only(world):
            assert post(world, token, f"{question.pk}/approve", {**said, **each}).status_code == 422, each
    assert post(world, token, f"{question.pk}/approve", said).status_code == 200
    assert waiting.poll().json()["scope"] == "contacts:read"


@spec("DTR", "deciding")
def test_without_a_ceiling_it_gets_all_that_it_asks_for_and_not_whatever_people_allow(world, worker, waiting):
    waiting.approve()
    assert agent(world, worker).ceiling == at_the_calendar(world, "contacts:read", "events:read", "events:write")


@spec("DTR", "deciding")
def test_a_decision_is_taken_back_until_the_first_token_and_leaves_what_an_admin_said_since(world, worker, waiting):
    waiting.approve()
    changed = {**at_the_calendar(world, "contacts:read", "events:read", "events:write"), "https://x.example": ["a"]}
    world.rewrite(agent(world, worker), ceiling=changed)
    waiting.undo()
    assert agent(world, worker).ceiling == {**at_the_calendar(world, "events:read"), "https://x.example": ["a"]}
    assert_refused(waiting.poll(), "authorization_pending")
    waiting.approve()
    assert waiting.poll().status_code == 200
    with pytest.raises(admission.TooLateToUndo):
        waiting.undo()


@spec("DTR", "deciding")
def test_whoever_wants_more_in_between_is_added_and_nobody_decides_on_what_they_did_not_read(world, worker, waiting):
    read = waiting.question().version
    other = deferral.more(world, worker, "notes:read", resource=world.notes.identifier)
    assert other.question().pk == waiting.question().pk
    with pytest.raises(admission.AlreadyDecided):
        waiting.approve(version=read)
    waiting.approve()
    assert other.poll().json()["scope"] == "notes:read"
    assert waiting.poll().status_code == 200


@spec("DTR", "polling")
def test_whether_it_goes_on_comes_before_whether_it_gets_more(world, worker, waiting):
    first = waiting.question()
    with context.use(world.tenant):
        assert admission.ask_again(agent(world, worker), worker.client, [["name", "a", "b"]], is_free=False)
    assert agent(world, worker).status == "pending"
    assert waiting.question().status == "lapsed"
    assert_refused(waiting.poll(), "authorization_pending")
    assert waiting.question().kind == "change"
    waiting.approve()
    assert_refused(waiting.poll(), "authorization_pending")
    assert (waiting.question().kind, waiting.question().pk) == ("scopes", first.pk)
    waiting.approve()
    assert waiting.poll().status_code == 200


@spec("DTR", "polling")
def test_an_approval_that_ends_meanwhile_is_asked_for_first(world, worker, waiting):
    now = timezone.now()
    world.rewrite(agent(world, worker), approved_until=now - timedelta(seconds=1))
    with context.use(world.tenant):
        assert lapsing.ask_to_renew(str(worker.client.agent_id), now) == 1
    assert_refused(waiting.poll(), "authorization_pending")
    assert waiting.question().kind == "renewal"
    waiting.approve(["events:read"])
    assert_refused(waiting.poll(), "authorization_pending")
    waiting.approve()
    assert waiting.poll().status_code == 200


@spec("DTR", "deciding")
def test_a_denied_wish_holds_nothing_back(world, worker, waiting):
    waiting.deny()
    with context.use(world.tenant):
        agent_actions.suspend_agent(agent(world, worker), by=SYSTEM, reason="a pause")
        agent_actions.resume_agent(agent(world, worker), by=SYSTEM)
    assert agent(world, worker).status == "active"
    again = deferral.more(world, worker)
    again.approve()
    assert again.poll().status_code == 200
