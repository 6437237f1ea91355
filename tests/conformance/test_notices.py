"""Mail: made of what the ledger sealed, sent at least once, in plain words, with a link that does nothing by itself."""

import re
import socket
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from agents import admission, remarks
from agents.models import Agent, Approval
from audit import ledger
from audit.principals import SYSTEM
from kit import context
from notices import actions, kinds, sending
from notices.models import Notice, Reading
from tenants import actions as tenant_actions
from tests.conformance.test_admission import wait
from tests.harness import crowd, device, domains, mailbox
from tests.harness.footprint import leaves_only
from tests.spec import spec
from tokens import actions as token_actions


@pytest.fixture
def world(world):
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="admission")
    return world


@pytest.fixture
def box():
    with mailbox.listening() as box, override_settings(**box.settings):
        yield box


def tell(world, *, later=timedelta()):
    """Let the clock seal, read and send; return how many were sent."""
    ledger.seal(world.tenant.pk, using=settings.OPERATOR_ALIAS)
    with context.use(world.tenant):
        actions.read_ledger(timezone.now())
        return sending.send_due(timezone.now() + later)


def decide(world, who, verb=admission.approve, by="ada", **said):
    with context.use(world.tenant):
        question = Approval.objects.get(agent=who.client.agent_id, status="waiting")
        usual = {"owner": world.people["ada"], "ceiling": None} if verb is admission.approve else {"reason": "No."}
        verb(question, by=world.people[by], **{**usual, **said})


def notices(world):
    with context.use(world.tenant):
        return list(Notice.objects.order_by("pk"))


def text_of(message):
    return message.get_body(("plain",)).get_content()


@spec("RFC 5322", "3.6")
def test_whoever_decides_is_told_once_that_somebody_waits_and_by_whom_about_what(world, box):
    scout = world.public_client()
    assert tell(world) == 0, "what arrives by itself mails nobody"
    wait(world, scout, scope="events:read events:write", reason="for my trip")
    wait(world, scout, "bob", scope="events:read events:write", reason="me too")
    assert tell(world) == 1
    (message,) = box.messages
    assert (message["To"], message["From"].addresses[0].display_name) == (world.email("ada"), world.tenant.name)
    assert message["Subject"] == "Decide: Scout wants to read your calendar and change your calendar"
    for words in ("Alice wants it: “for my trip”", "Nobody has checked who runs it", "Bob wants it: “me too”"):
        assert words in text_of(message)
    links = re.findall(r"https?://\S+", text_of(message))
    with context.use(world.tenant):
        question = Approval.objects.get()
    assert links == [world.url(f"/console/approvals/{question.pk}"), world.url("/me/notices")]
    assert message["List-Unsubscribe"] == f"<{world.url('/me/notices')}>"
    assert message["Message-ID"].startswith("<ntc_")
    html = message.get_body(("html",)).get_content()
    assert not re.search(r"<(img|form|script|style|link)\b", html)
    assert set(re.findall(r'href="([^"]+)"', html)) == set(links)
    for line in text_of(message).splitlines()[:4]:
        assert line in html.replace("&#x27;", "'")


@spec("RFC 5322", "3.6")
@pytest.mark.parametrize(
    ("verb", "subject", "words"),
    [
        (admission.approve, "Scout is approved", "Start again from Scout"),
        (admission.deny, "Scout was not approved", "Reason: No."),
    ],
)
def test_whoever_waits_is_told_what_was_decided(world, box, verb, subject, words):
    scout = world.public_client()
    wait(world, scout)
    decide(world, scout, verb)
    assert tell(world) == 1, "the question is decided: nobody needs to be asked any more"
    (message,) = box.messages
    assert (message["To"], message["Subject"]) == (world.email("alice"), subject)
    assert words in text_of(message)
    assert sorted(each.state for each in notices(world)) == ["moot", "sent"]


@spec("RFC 5322", "3.6")
def test_a_decision_that_was_taken_back_before_the_mail_left_is_not_told(world, box):
    scout = world.public_client()
    wait(world, scout)
    decide(world, scout)
    with context.use(world.tenant):
        admission.undo(Approval.objects.get(agent=scout.client.agent_id), by=world.people["ada"])
    tell(world)
    assert [message["To"] for message in box.messages] == [world.email("ada")]


@spec("RFC 5322", "3.6")
def test_a_person_is_told_of_an_end_by_somebody_else_and_of_none_by_themselves(world, box):
    scout = world.public_client("Kurier\nBcc: x@x.example".replace("\n", " "))
    decide(world, scout)
    for person in ("alice", "bob"):
        world.grant(scout, person)
    for delegation, by in zip(world.delegations(), ("alice", "ada"), strict=True):
        with context.use(world.tenant):
            member = world.people[by]
            token_actions.end_delegation(delegation, by=admission.principal(member), reason="it misbehaved")
    tell(world)
    (message,) = box.messages
    assert message["To"] == world.email("bob")
    assert "It was ended by Ada: it misbehaved." in text_of(message)


@spec("RFC 8628", "5.4")
def test_a_person_is_told_of_an_agent_on_a_new_device_and_of_none_that_they_allowed_in_their_browser(world, box):
    scout, on_a_device = world.public_client(), device.agent(world)
    decide(world, scout)
    decide(world, on_a_device)
    world.grant(scout)
    assert tell(world) == 0
    device.start(world, on_a_device).decide(duration="week")
    assert tell(world) == 1
    (message,) = box.messages
    assert (message["To"], message["Subject"]) == (world.email("alice"), "Scout acts for you now")
    for words in ("read your calendar", "with a code that a device showed", world.url("/me/agents")):
        assert words in text_of(message)
    device.start(world, on_a_device, scope="events:read contacts:read").decide(duration="week")
    assert tell(world) == 0, "it is the same access, which has more in it now"


@spec("ID-JAG", "9.3")
def test_a_person_is_told_of_an_agent_that_somebody_elses_word_lets_act_for_them(world, box):
    domains.trust_foreign(world, foreign := domains.Foreign())
    who = domains.presenter(world)
    assert domains.present(world, who, foreign.grant(world, who)).status_code == 200
    tell(world)
    (message,) = [each for each in box.messages if "acts for you now" in each["Subject"]]
    assert message["To"] == world.email("alice")
    assert "allowed this" in text_of(message)
    alice = world.browser("alice")
    alice.go(world.url("/me/notices"))
    alice.submit(alice.form("/me/notices"), {"kind": sorted(kinds.REGISTRY.keys() - {"acts-for-you"})})
    other = domains.presenter(world, "Second")
    assert domains.present(world, other, foreign.grant(world, other)).status_code == 200
    tell(world)
    assert [each["Subject"] for each in box.messages if "acts for you now" in each["Subject"]] == [message["Subject"]]


@spec("RFC 5322", "3.6")
def test_an_owner_is_asked_by_mail_and_answers_on_a_page_of_their_own_and_nobody_else_does(world, box):
    scout = world.public_client()
    with context.use(world.tenant):
        question = Approval.objects.select_related("agent").get()
        admission.approve(question, by=world.people["ada"], owner=world.people["bob"], ceiling=None)
        agent = Agent.objects.get(pk=scout.client.agent_id)
        admission.ask_again(agent, scout.client, [("name", "Scout", "Scout 2")], is_free=False)
        question = Approval.objects.select_related("agent").get(status="waiting")
        remarks.ask(question, by=world.people["ada"], words="Did you rename it?")
    tell(world)
    told = {message["To"]: message["Subject"] for message in box.messages}
    assert told == {world.email("ada"): "Decide: Scout has changed", world.email("bob"): "Answer: Ada asks about Scout"}
    bob, alice = world.browser("bob"), world.browser("alice")
    bob.go(world.url("/me/questions"))
    form = bob.form("/answer")
    alice.go(world.url("/me/questions"))
    assert "Nobody asks you anything" in alice.words()
    alice.go(world.url("/me/notices"))
    stolen = replace(form, fields=alice.form("/me/notices").fields)
    with leaves_only(world):
        alice.submit(stolen, {"words": "Yes, I did"})
    bob.submit(form, {"words": "Yes, I did"})
    assert "Nobody asks you anything" in bob.words()
    assert [each.principal_id for each in world.entries("approval.answered")] == [world.people["bob"].pk]


@spec("RFC 5321", "4.2")
def test_a_server_that_refuses_and_hangs_up_gets_the_mail_later_and_once(world, box):
    wait(world, world.public_client())
    box.troubles = ["451 not now", "", "550 nobody of this name"]
    assert tell(world) == 0
    (notice,) = notices(world)
    assert (notice.state, notice.attempts) == ("waiting", 1)
    assert timedelta(seconds=25) < notice.next_try_at - timezone.now() <= timedelta(minutes=1)
    assert tell(world) == 0, "it is not due"
    assert tell(world, later=timedelta(minutes=2)) == tell(world, later=timedelta(minutes=8)) == 0
    assert box.troubles == []
    assert tell(world, later=timedelta(hours=1)) == 1
    assert tell(world, later=timedelta(hours=9)) == 0
    assert len(box.messages) == 1


@spec("RFC 5321", "4.2.1")
def test_a_reader_whom_the_server_does_not_know_costs_the_others_nothing(world, box):
    for name in ("ada", "bob"):
        world.rewrite(world.people[name], role="approver")
    box.strangers = {world.email("ada")}
    wait(world, world.public_client())
    assert tell(world) == 1
    assert [message["To"] for message in box.messages] == [world.email("bob")]
    assert sorted((each.recipient_id, each.state, each.attempts) for each in notices(world)) == sorted(
        [(world.people["ada"].pk, "waiting", 1), (world.people["bob"].pk, "sent", 1)]
    )
    box.strangers.clear()
    assert tell(world, later=timedelta(minutes=2)) == 1, "a relay that was set up wrongly loses nothing"
    assert box.messages[-1]["To"] == world.email("ada")


@spec("RFC 5321", "4.5.3.2")
def test_a_server_that_says_nothing_costs_one_try_of_one_mail_and_gets_it_later(world, box):
    silent = socket.create_server(("127.0.0.1", 0))
    with silent, override_settings(EMAIL_PORT=silent.getsockname()[1], EMAIL_TIMEOUT=0.5):
        for name in ("Scout", "Second scout"):
            wait(world, world.public_client(name))
        began = time.monotonic()
        assert tell(world) == 0
        assert 0.4 < time.monotonic() - began < 5
    assert [(each.state, each.attempts) for each in notices(world)] == [("waiting", 1), ("waiting", 0)]
    assert tell(world, later=timedelta(minutes=2)) == 2
    assert 0 < settings.EMAIL_TIMEOUT <= 5, "it is left after seconds outside of this test as well"


@spec("RFC 5321", "4.5.4.1")
def test_a_server_that_never_takes_it_is_given_up_after_bounded_tries(world, box):
    wait(world, world.public_client())
    box.troubles = ["451 not now"] * 50
    for _ in range(sending.MOST_ATTEMPTS + 2):
        tell(world, later=timedelta(days=9))
        with context.use(world.tenant):
            Notice.objects.update(next_try_at=timezone.now())
    (notice,) = notices(world)
    assert (notice.state, notice.attempts) == ("given_up", sending.MOST_ATTEMPTS)
    pauses = [sending.pause_before(attempt) for attempt in range(1, sending.MOST_ATTEMPTS)]
    assert timedelta(hours=9) < sum(pauses, timedelta()) < timedelta(days=2)


@spec("RFC 5321", "4.5.5")
def test_many_runs_at_once_read_each_entry_and_send_each_notice_once(world, box):
    for number in range(4):
        wait(world, world.public_client(f"Agent {number}"))
    ledger.seal(world.tenant.pk, using=settings.OPERATOR_ALIAS)
    now = timezone.now()
    made = crowd.at_once(4, lambda _: actions.read_ledger(now), tenant=world.tenant)
    assert sorted(made) == [0, 0, 0, 4]
    sent = crowd.at_once(4, lambda _: sending.send_due(now + timedelta(seconds=5)), tenant=world.tenant)
    assert sum(sent) == len(box.messages) == 4
    assert len({message["Message-ID"] for message in box.messages}) == 4


@spec("RFC 5321", "4.5.5")
def test_whoever_died_after_the_server_took_it_sends_it_again_under_the_same_name(world, box, monkeypatch):
    wait(world, world.public_client())
    monkeypatch.setattr(sending, "_write", lambda *args, **fields: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        tell(world)
    monkeypatch.undo()
    assert tell(world, later=sending.CLAIM / 2) == 0
    assert tell(world, later=sending.CLAIM + timedelta(seconds=1)) == 1
    first, second = box.messages
    assert first["Message-ID"] == second["Message-ID"]


@spec("RFC 5322", "3.6")
def test_a_ledger_that_was_never_read_is_not_told_from_its_beginning(world, box):
    wait(world, world.public_client())
    ledger.seal(world.tenant.pk, using=settings.OPERATOR_ALIAS)
    with context.use(world.tenant):
        assert actions.read_ledger(timezone.now() + timedelta(hours=2)) == 0
        assert Reading.objects.get().sequence == len(world.entries())
    wait(world, world.public_client("Second"))
    assert tell(world) == 1


@spec("RFC 2369", "3.2")
def test_a_person_chooses_which_mail_they_get_and_a_link_alone_changes_nothing(world, box):
    ada = world.browser("ada")
    ada.go(world.url("/me/notices"))
    assert "An agent waits for your decision" in ada.words()
    ada.submit(
        ada.form("/me/notices"),
        {"kind": [*(kinds.REGISTRY.keys() - {"approval-waiting"}), "nonsense"]},
    )
    wait(world, world.public_client())
    assert tell(world) == 0
    assert "An agent waits" not in world.browser("alice").go(world.url("/me/notices")).text
    (entry,) = world.entries("member.notices_chosen")
    assert (entry.about_id, entry.detail) == (world.people["ada"].pk, {"unwanted": ["approval-waiting"]})
    ada.go(world.url("/me/notices"))
    ada.submit(ada.form("/me/notices"), {"kind": ["approval-waiting", "approval-asked"]})
    wait(world, world.public_client("Second"))
    assert tell(world) == 1
