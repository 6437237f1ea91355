"""That somebody made a delegation smaller is told: to whom it concerns by mail, and to programs by webhook."""

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from agents.models import Agent
from audit import ledger
from kit import context
from notices import actions, sending
from notices.webhooks import rules
from tests.conformance.test_notices import text_of
from tests.conformance.test_resources_api import asker
from tests.harness import chain as chains
from tests.harness import mailbox
from tests.harness.telling import Program, genuine
from tests.harness.telling import tell as tell_programs
from tests.spec import spec

READ, WRITE, CONTACTS = "events:read", "events:write", "contacts:read"
LESS = {"scopes": [READ, CONTACTS], "reason": "it need not write"}
SCOPE = "delegations:narrow webhooks:read webhooks:write"


@pytest.fixture
def box():
    with mailbox.listening() as box, override_settings(**box.settings):
        yield box


@pytest.fixture
def chain(world):
    """A planner that bob owns and alice allowed to read, write and see contacts, and one that holds a part."""
    chain = chains.handed_on(world, 1, scope=f"{READ} {WRITE} {CONTACTS}")
    with context.use(world.tenant):
        planner = Agent.objects.get(pk=chain.agents[0].client.agent_id)
    world.rewrite(planner, owner=world.people["bob"])
    return chain


@pytest.fixture
def ada(world):
    return asker(world, "ada", SCOPE)


def tell(world, box):
    """Let the clock seal, read and send; return the mail by whom it is to."""
    del box.messages[:]
    ledger.seal(world.tenant.pk, using=settings.OPERATOR_ALIAS)
    with context.use(world.tenant):
        actions.read_ledger(timezone.now())
        sending.send_due(timezone.now())
    subjects = ("may do less", "may do again")
    return {str(each["To"]): each for each in box.messages if any(word in each["Subject"] for word in subjects)}


def less(ask, delegation, said=LESS):
    assert ask("PATCH", f"/delegations/{delegation.pk}", said).status_code == 200
    return f"/delegations/{delegation.pk}/put-back"


@spec("RFC 5322", "3.6")
def test_the_person_and_the_agents_owner_are_told_who_took_what_why_and_what_is_left(world, box, chain, ada):
    less(ada, chain.delegation(0))
    mails = tell(world, box)
    assert set(mails) == {world.email("alice"), world.email("bob")}
    for mail in mails.values():
        assert mail["Subject"] == "Planner may do less now"
        for words in (
            "Ada allowed it less: it need not write.",
            "It may no longer change your calendar at Calendar.",
            "Planner may read your calendar and see who you meet at Calendar for Alice, until",
        ):
            assert words in text_of(mail)
    assert "start again from Planner" in text_of(mails[world.email("alice")])
    assert world.url("/me/agents") in text_of(mails[world.email("alice")])
    assert tell(world, box) == {}


@spec("RFC 5322", "3.6")
def test_an_owner_who_sees_the_console_is_led_to_the_delegation(world, box, chain, ada):
    world.rewrite(world.people["bob"], role="auditor")
    less(ada, chain.delegation(0))
    assert world.url(f"/console/delegations/{chain.delegation(0).pk}") in text_of(tell(world, box)[world.email("bob")])


@spec("RFC 5322", "3.6")
def test_nobody_is_told_what_they_did_themselves(world, box, chain):
    less(asker(world, "alice", SCOPE), chain.delegation(0), {"scopes": [READ, CONTACTS]})
    assert set(tell(world, box)) == {world.email("bob")}


@spec("RFC 5322", "3.6")
def test_whoever_does_not_want_that_mail_gets_none_and_the_other_does(world, box, chain, ada):
    alice = world.browser("alice")
    alice.go(world.url("/me/notices"))
    form = alice.form("/me/notices")
    assert "narrowed-by-others" in form.ticks["kind"]
    alice.submit(form, {"kind": [each for each in form.ticks["kind"] if each != "narrowed-by-others"]})
    less(ada, chain.delegation(0))
    assert set(tell(world, box)) == {world.email("bob")}


@spec("RFC 5322", "3.6")
def test_what_was_taken_back_before_the_mail_left_is_not_told_and_after_it_that_is_told(world, box, chain, ada):
    assert ada("POST", less(ada, chain.delegation(0))).status_code == 200
    assert tell(world, box) == {}
    path = less(ada, chain.delegation(0))
    assert set(tell(world, box)) == {world.email("alice"), world.email("bob")}
    assert ada("POST", path).status_code == 200
    mails = tell(world, box)
    assert set(mails) == {world.email("alice"), world.email("bob")}
    for mail in mails.values():
        assert mail["Subject"] == "Planner may do again what it might before"
        assert "Ada took back that it may do less." in text_of(mail)
        assert "change your calendar" in text_of(mail)


@spec("RFC 5322", "3.6")
def test_of_what_is_over_by_the_time_of_the_mail_that_alone_is_told(world, box, chain, ada):
    less(ada, chain.delegation(0))
    world.rewrite(chain.delegation(0), ended_at=timezone.now())
    assert tell(world, box) == {}


@spec("Standard Webhooks", "Event types")
def test_a_program_is_told_of_both_by_one_word_and_others_by_the_names_of_the_events(world, documents, chain, ada):
    asked = ada("POST", "/webhooks", {"url": "https://hooks.example.com/x", "events": ["delegation.changed"]})
    assert (asked.status_code, asked.json()["events"]) == (201, ["delegation.changed"])
    refused = ada("POST", "/webhooks", {"url": "https://hooks.example.com/x", "events": ["delegation.moved"]})
    assert refused.status_code == 422
    changed = Program(world, documents, "delegation.changed")
    both = Program(world, documents, "delegation.*", "delegation.changed")
    family = Program(world, documents, "delegation.*")
    single = Program(world, documents, "delegation.narrowed")
    root = chain.delegation(0)
    assert ada("POST", less(ada, root)).status_code == 200
    tell_programs(world)

    def told(program):
        said = [genuine(each, program.secret) for each in program.told]
        return [(each["type"], each["data"]["event"], each["data"]["about_id"]) for each in said]

    names = ["delegation.narrowed", "delegation.put_back"]
    assert told(changed) == told(both) == [("delegation.changed", name, root.pk) for name in names]
    assert told(family) == [(name, name, root.pk) for name in names]
    assert told(single) == [(names[0], names[0], root.pk)]
    assert [each.event for each in changed.deliveries()] == ["delegation.changed"] * 2
    assert rules.covers(["delegation.changed"], "delegation.narrowed")
    assert not rules.covers(["delegation.changed"], "delegation.ended")
