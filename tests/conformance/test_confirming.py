"""Whether agents are still needed: those who own them are asked by mail, and say so on the agent's page."""

from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from agents import confirming
from agents.models import Agent, CoOwner
from audit.principals import SYSTEM
from kit import context
from tests.conformance.test_api import api_token
from tests.conformance.test_calendar_notices import tell
from tests.conformance.test_notices import text_of
from tests.harness import crowd, mailbox
from tests.harness.footprint import leaves_only
from tests.spec import spec

AGENTS = "/console/agents"
ASKED, SAID = "agent.confirmation_asked", "agent.confirmed"


@pytest.fixture
def box():
    with mailbox.listening() as box, override_settings(**box.settings):
        yield box


@pytest.fixture
def trio(world):
    """Alice's, which is bob's too; one that nobody owns; and one of bob's that ended."""
    with context.use(world.tenant):
        names = {"Minutes": ("alice", "active"), "Orphan": ("", "active"), "Past": ("bob", "retired")}
        made = [
            Agent.objects.create(name=name, owner=world.people.get(owner), status=status)
            for name, (owner, status) in names.items()
        ]
        CoOwner.objects.create(agent=made[0], member=world.people["bob"])
    return made


def caller(world, person="ada"):
    token = api_token(world, world.public_client("Console app"), person, "agents:read agents:write")

    def ask(method, path, body=None):
        headers = {"Authorization": f"Bearer {token}"}
        return world.http.request(method, world.url(f"/api/v1/agents{path}"), headers=headers, json=body)

    return ask


@spec("RFC 9700", "2.3")
def test_each_owner_of_those_that_were_ticked_gets_a_mail_and_one_of_them_says_that_it_is_needed(world, trio, box):
    ada, bob = world.browser("ada"), world.browser("bob")
    ada.go(world.url(f"{AGENTS}/many?chosen=rows&verb=confirm{''.join(f'&ids={each.pk}' for each in trio)}"))
    assert ("Nobody who is here answers for it." in ada.words(), "It ended." in ada.words()) == (True, True)
    ada.submit(ada.form(""))
    assert "1 agent Minutes Passed over Orphan" in ada.words()
    (entry,) = world.entries(ASKED)
    assert (entry.about_id, entry.principal_id) == (trio[0].pk, world.people["ada"].pk)
    letters = tell(world, box)
    assert letters.keys() == {"alice", "bob"}
    link = world.url(f"{AGENTS}/{trio[0].pk}")
    assert all("Is Minutes still needed?" in letter["Subject"] for letter in letters.values())
    assert all(link in text_of(letter) for letter in letters.values())
    assert "Minutes" in ada.go(world.url(f"{AGENTS}?not_confirmed=true")).text
    assert "Its owners have not confirmed it." in ada.words()
    ada.go(link)
    assert ("Nobody has answered yet." in ada.words(), "/confirm" in ada.page.text) == (True, False)
    with leaves_only(world):
        bob.go(link)
    form = bob.form("/confirm")
    bob.submit(form)
    assert ("Still needed Bob" in bob.words(), "/confirm" in bob.page.text) == (True, False)
    (said,) = world.entries(SAID)
    assert (said.about_id, said.principal_id) == (trio[0].pk, world.people["bob"].pk)
    with leaves_only(world):
        assert bob.submit(form).status_code == 200
    assert "Minutes" not in ada.go(world.url(f"{AGENTS}?not_confirmed=true")).text


@spec("RFC 9700", "2.3")
def test_the_endpoints_ask_and_take_the_answer_alike_once_and_from_nobody_else(world, trio):
    ask, own, minutes = caller(world), caller(world, "alice"), trio[0]
    ids = [each.pk for each in trio]
    with leaves_only(world):
        assert ask("POST", "/bulk-confirm", {"ids": ids, "dry_run": True}).json()["possible"] == 1
    answer = ask("POST", "/bulk-confirm", {"ids": ids, "expect": 1}).json()
    assert answer["done"] == [minutes.pk]
    assert {each["why"] for each in answer["passed_over"]} == {"Nobody who is here answers for it.", "It ended."}
    with leaves_only(world):
        assert ask("POST", "/bulk-confirm", {"ids": ids}).status_code == 409
    assert [each["id"] for each in ask("GET", "?not_confirmed=true").json()["agents"]] == [minutes.pk]
    long_ago = timezone.now() - confirming.AGAIN - timedelta(seconds=5)
    world.rewrite(minutes, confirm_asked_at=long_ago)
    assert ask("POST", "/bulk-confirm", {"filter": {"not_confirmed": "true"}, "expect": 1}).status_code == 200
    with leaves_only(world):
        assert ask("POST", f"/{minutes.pk}/confirm").status_code == 404
    told = own("POST", f"/{minutes.pk}/confirm").json()
    assert (told["confirmed_by"], told["confirmed_at"] > told["confirm_asked_at"]) == (world.people["alice"].pk, True)
    with leaves_only(world):
        assert own("POST", f"/{minutes.pk}/confirm").status_code == 200
    assert ask("GET", "?not_confirmed=true").json()["agents"] == []
    assert minutes.pk in {each["id"] for each in ask("GET", "?not_confirmed=false").json()["agents"]}


@spec("RFC 9110", "9.2.2")
def test_of_many_answers_at_once_one_is_written(world, trio):
    with context.use(world.tenant):
        confirming.ask(trio[0], by=SYSTEM)
    people = [world.people["alice"], world.people["bob"]] * 3
    said = crowd.at_once(6, lambda number: confirming.confirm(trio[0], by=people[number]), tenant=world.tenant)
    assert sorted(said) == [False] * 5 + [True]
    assert len(world.entries(SAID)) == 1
