"""What approvers ask, answered over the API: by whoever was asked, through an app that is not the one asked about."""

import pytest

from agents import admission, questions, remarks
from agents.models import Approval
from kit import context
from tests.conformance.test_api import api_token, call
from tests.conformance.test_approvals_api import post
from tests.harness import deferral
from tests.harness.footprint import leaves_only
from tests.spec import spec

SCOPES = "questions:read questions:answer"
WORDS = {"words": "For the offsite. Robotics pays."}


@pytest.fixture
def app(world):
    return world.public_client("Pocket console")


@pytest.fixture
def token(world, app):
    """Alice's, who looks after nothing."""
    return api_token(world, app, "alice", SCOPES)


@pytest.fixture
def asked(world):
    """An agent of alice's asks for more, and ada asks alice what for."""
    worker = world.worker()
    world.rewrite(worker.client.agent, owner=world.people["alice"], ceiling={world.calendar.identifier: []})
    found = deferral.more(world, worker).question()
    ask(world, found)
    return found


def ask(world, approval):
    with context.use(world.tenant):
        remarks.ask(approval, by=world.people["ada"], words="What for?")


def answer(world, token, approval, said=WORDS):
    url = world.url(f"/api/v1/questions/{approval.pk}/answer")
    return world.http.post(url, json=said, headers={"Authorization": f"Bearer {token}"})


def listed(world, token):
    return call(world, token, "/questions").json()["questions"]


def stored(world, approval):
    with context.use(world.tenant):
        return Approval.objects.values().get(pk=approval.pk)


@spec("RFC 7591", "5")
def test_whoever_was_asked_reads_the_question_answers_once_and_decides_nothing(world, token, asked):
    before = stored(world, asked)
    (found,) = listed(world, token)
    said = [{"member": world.people["ada"].pk, "is_question": True, "words": "What for?"}]
    assert (found["id"], found["kind"], found["agent"], found["said"]) == (asked.pk, "scopes", asked.agent_id, said)
    answered = answer(world, token, asked)
    mine = {"member": world.people["alice"].pk, "is_question": False, "words": WORDS["words"]}
    assert (answered.status_code, answered.json()["said"]) == (200, [*said, mine])
    (entry,) = world.entries("approval.answered")
    assert (entry.principal_id, entry.about_id, entry.reason) == (mine["member"], asked.pk, mine["words"])
    assert stored(world, asked) == before
    assert listed(world, token) == []
    assert "Nobody asks you anything." in world.browser("alice").go(world.url("/me/questions")).text
    with leaves_only(world):
        assert answer(world, token, asked).status_code == 422
    ask(world, asked)
    assert [each["words"] for each in listed(world, token)[0]["said"]] == ["What for?", WORDS["words"], "What for?"]


@spec("RFC 7591", "5")
def test_a_decided_question_takes_no_answer(world, token, asked):
    with context.use(world.tenant):
        admission.deny(asked, by=world.people["ada"], reason="no")
    assert listed(world, token) == []
    with leaves_only(world):
        assert answer(world, token, asked).status_code == 409


@spec("RFC 9457", "3")
@pytest.mark.parametrize("said", [{}, {"words": "  "}, {"words": "x" * 501}, {"words": ["x"]}], ids=repr)
def test_an_answer_that_cannot_be_read_is_none(world, token, asked, said):
    with leaves_only(world):
        refused = answer(world, token, asked, said)
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["words"])


@spec("RFC 9700", "2.3")
def test_what_others_were_asked_is_not_there_even_for_those_who_decide(world, app, asked):
    for person in ("bob", "ada"):
        token = api_token(world, app, person, SCOPES)
        assert listed(world, token) == []
        with leaves_only(world):
            assert answer(world, token, asked).status_code == 404


@spec("RFC 6750", "3.1")
def test_an_agents_own_token_answers_nothing(world, asked):
    own = world.own_api_token(world.worker(), SCOPES)
    assert call(world, own, "/questions").status_code == 403
    with leaves_only(world):
        assert answer(world, own, asked).status_code == 403


@spec("RFC 9700", "2.3")
def test_an_agent_has_no_say_about_itself_whoever_it_acts_for(world, app):
    """Ada decides and owns the agent: through another app she may do all of it."""
    scopes = f"{SCOPES} approvals:read approvals:decide"
    itself, other = (api_token(world, each, "ada", scopes) for each in (app, world.public_client("Desk")))
    world.rewrite(app.client.agent, owner=world.people["ada"], ceiling={})
    with context.use(world.tenant):
        wanted = {world.calendar.identifier: ["events:write"]}
        approval = questions.ask_for(app.client.agent_id, app.client, wanted, {})
    verdicts = {
        "approve": {"owner": world.people["ada"].pk, "ceiling": wanted},
        "deny": {"reason": "no"},
        "ask": {"words": "What for?"},
        "undo": {},
    }
    with leaves_only(world):
        for verb, said in verdicts.items():
            refused = post(world, itself, f"{approval.pk}/{verb}", said)
            assert (refused.status_code, refused.json()["title"]) == (403, "This is about the agent that asks"), verb
    assert post(world, other, f"{approval.pk}/ask", verdicts["ask"]).status_code == 200
    with leaves_only(world):
        assert answer(world, itself, approval).status_code == 403
    assert answer(world, other, approval).status_code == 200
    assert post(world, other, f"{approval.pk}/approve", verdicts["approve"]).json()["status"] == "approved"
