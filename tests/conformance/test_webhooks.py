"""Webhooks: whoever is told is told of what was written down, at least once, signed, and delays nobody else."""

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import transaction
from django.test import override_settings
from django.utils import timezone
from standardwebhooks import WebhookVerificationError

from audit.events import Event
from audit.models import Lease
from audit.principals import SYSTEM
from kit import context, fetch
from notices import sending as mail
from notices import tasks
from notices.models import Delivery, Webhook
from notices.webhooks import actions, rules, sending
from tests.conformance.test_resources_api import asker
from tests.harness import crowd, hostile, mailbox, server
from tests.harness.telling import Program, genuine, happens, passes, read, send, tell
from tests.spec import spec

SCOPES = "webhooks:read webhooks:write events:read"
MOVED = hostile.status("302 Found", b"Location: https://127.0.0.1/private\r\n")


@pytest.fixture
def program(world, documents):
    return Program(world, documents)


def refusing(line="500 Internal Server Error"):
    return hostile.status(line)


@spec("Standard Webhooks", "Payload structure")
def test_what_happened_is_told_once_and_genuine_and_reads_as_it_does_over_the_api(world, program):
    scout = world.public_client("Grüße an Scout")
    assert [tell(world), tell(world)] == [1, 0]
    (told,) = program.told
    said = genuine(told, program.secret)
    assert sorted(said) == ["data", "timestamp", "type"]
    (entry,) = [each for each in world.entries("agent.registered") if each.about_id == scout.client.agent_id]
    assert (said["type"], said["timestamp"]) == ("agent.registered", entry.at.isoformat())
    over_the_api = asker(world, "ada", SCOPES)("GET", f"/events/{entry.pk}").json()
    over_the_api = {name: value for name, value in over_the_api.items() if name not in {"summary", "links"}}
    assert {**said["data"], "at": over_the_api["at"]} == {"issuer": world.tenant.issuer, **over_the_api}
    assert (told.headers["webhook-id"], told.headers["content-type"]) == (entry.pk, "application/json")
    assert [(each.state, each.attempts, each.tries[0]["status"]) for each in program.deliveries()] == [
        ("delivered", 1, 200)
    ]


@spec("Standard Webhooks", "Verifying signatures")
def test_what_was_changed_on_the_way_or_signed_by_somebody_else_is_not_genuine(world, documents, program):
    other = Program(world, documents)
    happens(world)
    assert tell(world) == 2
    (told,) = program.told
    genuine(told, program.secret)
    for changed in (
        {"body": told.body.replace(b"agent.changed", b"agent.retired")},
        {"headers": {**told.headers, "webhook-id": f"evt_{'0' * 26}"}},
        {"headers": {**told.headers, "webhook-timestamp": str(int(told.headers["webhook-timestamp"]) + 1)}},
    ):
        with pytest.raises(WebhookVerificationError):
            genuine(hostile.Told(**{"path": "", "headers": told.headers, "body": told.body, **changed}), program.secret)
    with pytest.raises(WebhookVerificationError):
        genuine(told, other.secret)


@spec("Standard Webhooks", "Event types")
def test_nothing_is_told_that_did_not_commit_or_is_not_meant_or_was_before(world, documents):
    happens(world, reason="before")
    program = Program(world, documents, "agent.*", "job.finished", "token.*")
    with context.use(world.tenant), transaction.atomic():
        happens(world, reason="undone")
        transaction.set_rollback(True)
    kept = [happens(world), happens(world, event=Event.JOB_FINISHED), happens(world, event=Event.FAMILY_REVOKED)]
    for unmeant in (Event.JOB_STARTED, Event.KEY_CREATED, Event.TOKEN_ISSUED, Event.SIGN_IN_REFUSED):
        happens(world, event=unmeant)
    tell(world)
    assert program.ids == [each.pk for each in kept]


@spec("Standard Webhooks", "Event types")
def test_of_what_every_request_writes_down_no_word_tells():
    assert not {"token.issued", "token.refused", "login.refused", "check.run"} & set(rules.TOLD)
    assert not any(rules.covers(rules.FAMILIES, each) for each in set(Event) - set(rules.TOLD))
    assert all(rules.covers(rules.FAMILIES, each) for each in rules.TOLD)
    assert not any(rules.covers([], each) for each in Event)


@spec("Standard Webhooks", "Webhook headers")
def test_while_a_secret_is_changed_the_old_one_signs_as_well_and_then_no_more(world, program):
    with context.use(world.tenant):
        _, new = actions.change_secret(program.row, by=SYSTEM)
    happens(world)
    tell(world)
    assert [genuine(program.told[-1], each)["type"] for each in (new, program.secret)] == ["agent.changed"] * 2
    assert program.told[-1].headers["webhook-signature"].count("v1,") == 2
    world.rewrite(program.row, old_secret_until=timezone.now())
    happens(world)
    tell(world)
    assert program.told[-1].headers["webhook-signature"].count("v1,") == 1
    with pytest.raises(WebhookVerificationError):
        genuine(program.told[-1], program.secret)
    with context.use(world.tenant):
        assert actions.forget_due(timezone.now()) == 1
        assert program.row.old_secret == ""
        _, newest = actions.change_secret(program.row, by=SYSTEM, keep_hours=0)
    happens(world)
    tell(world)
    genuine(program.told[-1], newest)
    with pytest.raises(WebhookVerificationError):
        genuine(program.told[-1], new)


@spec("Standard Webhooks", "Verifying signatures")
def test_the_example_in_the_manual_takes_each_event_once_and_nothing_that_is_not_genuine(
    world, program, monkeypatch, capsys
):
    page = (server.ROOT / "docs" / "webhooks.md").read_text()
    names = {}
    exec(page.partition("```python\n")[2].partition("```")[0], names)
    monkeypatch.setenv("REMIT_WEBHOOK_SECRET", program.secret)
    happens(world, about=world.people["bob"])
    tell(world)
    (told,) = program.told
    assert names["take"](told.headers, told.body + b" ") == 401
    assert names["take"]({**told.headers, "webhook-signature": "nonsense"}, told.body) == 401
    assert [names["take"](told.headers, told.body) for _ in range(2)] == [204, 204]
    assert capsys.readouterr().out == f"agent.changed {world.people['bob']}\n"


# --- receivers that misbehave


@spec("Standard Webhooks", "Server side request forgery (SSRF)")
@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (MOVED, 302),
        (hostile.status("301 Moved", b"Location: /told/elsewhere\r\n"), 301),
        (refusing(), 500),
        (hostile.silent, 0),
        (hostile.drip_headers, 0),
        (hostile.many_headers, 0),
        (lambda connection: connection.close(), 0),
        (lambda connection: connection.sendall(b"HTTP/1.1 abc\r\n\r\n"), 0),
    ],
    ids=["moved inside", "moved", "refused", "silent", "drips", "long headers", "hangs up", "speaks nothing known"],
)
def test_whoever_does_not_take_it_is_asked_later_and_leads_nowhere_else(world, program, answer, status, monkeypatch):
    monkeypatch.setattr(fetch, "SECONDS", 0.7)
    program.answers(answer)
    seen = len(program.server.seen)
    happens(world)
    assert tell(world) == 0
    (delivery,) = program.deliveries()
    assert (delivery.state, delivery.attempts, delivery.tries[0]["status"]) == ("waiting", 1, status)
    assert program.server.seen[seen:] == [program.path]
    assert program.row.failures == 1
    assert send(world) == 0
    assert len(program.told) == 1


@spec("Standard Webhooks", "Delivery success and failure")
@pytest.mark.parametrize(
    "answer", [hostile.status("204 No Content", body=b""), hostile.endless], ids=["none", "endless"]
)
def test_of_an_answer_the_status_counts_and_its_body_is_not_read(world, program, answer):
    program.answers(answer)
    happens(world)
    assert tell(world) == 1
    (tried,) = program.deliveries()[0].tries
    assert tried["milliseconds"] < 4000


@spec("Standard Webhooks", "Server side request forgery (SSRF)")
def test_an_address_that_leads_inside_is_not_knocked_at(world, program):
    with override_settings(FETCH_LOOPBACK_HOSTS=[]):
        happens(world)
        knocks = program.server.knocks
        assert tell(world) == 0
    assert program.server.knocks == knocks
    assert program.deliveries()[0].tries[0]["status"] == 0


@spec("Standard Webhooks", "Request timeouts")
def test_whoever_is_silent_delays_nobody_else(world, documents, program):
    others, all_were_told = Program(world, documents), threading.Event()
    program.answers(lambda connection: all_were_told.wait(fetch.SECONDS) and hostile.json_answer(b"{}")(connection))

    def answer(connection):
        if len(others.told) == 5:
            all_were_told.set()
        hostile.json_answer(b"{}")(connection)

    others.answers(answer)
    happened = [happens(world).pk for _ in range(5)]
    assert tell(world) >= 6
    assert others.ids == happened
    assert program.ids[0] == happened[0]


# --- again, and no more


@spec("Standard Webhooks", "Deliverability and reliability")
def test_it_is_tried_again_eight_times_in_a_day_and_then_switched_off_and_admins_are_told(world, program):
    program.answers(refusing())
    happens(world)
    read(world)
    passed = timedelta()
    for number in range(1, rules.MOST_TRIES + 1):
        before = timezone.now()
        assert send(world) == 0
        (delivery,) = program.deliveries()
        assert delivery.attempts == len(program.told) == number
        if number < rules.MOST_TRIES:
            pause = delivery.next_try_at - before
            base = rules.PAUSES[number - 1]
            assert base <= pause <= base * 1.1 + timedelta(seconds=5), number
            passes(world, pause)
            passed += pause
    assert len(set(program.ids)) == 1
    assert timedelta(hours=24) <= passed <= timedelta(hours=27)
    assert (delivery.state, program.row.is_on, len(delivery.tries)) == ("given_up", False, rules.MOST_TRIES)
    (entry,) = world.entries("webhook.switched_off")
    assert (entry.principal_kind, entry.reason) == ("system", "it took nothing for a day, in 9 tries")
    with mailbox.listening() as box, override_settings(**box.settings):
        tell(world)
        with context.use(world.tenant):
            mail.send_due(timezone.now())
    (letter,) = box.messages
    assert letter["To"] == world.email("ada")
    assert world.url("/console/webhooks") in letter.get_body(("plain",)).get_content()
    happens(world)
    tell(world)
    assert len(program.told) == rules.MOST_TRIES


@spec("Standard Webhooks", "Delivery success and failure")
def test_whoever_says_that_it_is_gone_is_switched_off_at_once(world, program):
    program.answers(refusing("410 Gone"))
    happens(world)
    happens(world)
    assert tell(world) == 0
    assert not program.row.is_on
    assert [each.state for each in program.deliveries()] == ["given_up"] * 2
    assert len(program.told) == 1


@spec("Standard Webhooks", "Deliverability and reliability")
def test_whoever_takes_it_after_all_is_as_good_as_ever_and_missed_nothing(world, program):
    program.answers(refusing("503 Service Unavailable"))
    happened = [happens(world).pk for _ in range(3)]
    tell(world)
    assert len(program.told) == 1
    assert send(world) == 0, "it is left alone for a while, whatever else waits for it"
    program.answers(hostile.json_answer(b"{}"))
    passes(world, timedelta(minutes=1))
    assert send(world) == 3
    assert sorted(program.ids) == sorted([happened[0], *happened])
    assert (program.row.failures, program.row.failing_since) == (0, None)


@spec("Standard Webhooks", "Deliverability and reliability")
def test_many_runs_at_once_try_each_delivery_once(world, program):
    happened = [happens(world).pk for _ in range(6)]
    read(world)
    now = timezone.now()
    taken = crowd.at_once(4, lambda _: sending.send_due(now), tenant=world.tenant)
    assert sum(taken) == 6
    assert sorted(program.ids) == happened
    assert [(each.state, each.attempts) for each in program.deliveries()] == [("delivered", 1)] * 6


@spec("Standard Webhooks", "Deliverability and reliability")
def test_a_worker_that_is_killed_after_sending_and_before_it_wrote_that_down_sends_it_again_under_the_same_id(
    world, program
):
    arrived, may_answer = threading.Event(), threading.Event()

    def answer(connection):
        arrived.set()
        may_answer.wait(10)
        hostile.json_answer(b"{}")(connection)

    program.answers(answer)
    happened = happens(world).pk
    read(world)
    body = (
        "import django; django.setup(); from django.utils import timezone; from kit import context;"
        "from notices.webhooks import sending; from tenants.models import Tenant\n"
        f"with context.use(Tenant.objects.get(pk='{world.tenant.pk}')): sending.send_due(timezone.now())"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "remit.settings", "PYTHONPATH": f"platform{os.pathsep}."}
    worker = subprocess.Popen([sys.executable, "-c", body], cwd=server.ROOT, env=environment, stderr=subprocess.DEVNULL)
    assert arrived.wait(30)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    may_answer.set()
    assert [(each.state, each.attempts, each.tries) for each in program.deliveries()] == [("waiting", 1, [])]
    assert send(world) == 0, "it may still be on its way"
    assert send(world, now=timezone.now() + sending.CLAIM) == 1
    assert program.ids == [happened, happened]
    assert [(each.state, each.attempts) for each in program.deliveries()] == [("delivered", 2)]


@pytest.mark.walks
@spec("Standard Webhooks", "Deliverability and reliability")
def test_the_clock_tells_and_forgets_in_its_turn(world, program):
    Lease.objects.using(settings.OPERATOR_ALIAS).all().delete()
    happens(world)
    read(world)
    tasks.deliver()
    assert [each.state for each in program.deliveries()] == ["delivered"]
    with context.use(world.tenant):
        old = Delivery.objects.get()
        Delivery.objects.bulk_create([
            Delivery(pk=pk, webhook_id=program.pk, entry_id=pk, event="x", last_attempt=9, state=state)
            for pk, state in ((f"dlv_0{'0' * 25}", "given_up"), (f"dlv_0{'1' * 25}", "waiting"))
        ])  # fmt: skip
    tasks.forget_deliveries()
    assert [each.pk for each in program.deliveries()] == [f"dlv_0{'1' * 25}", old.pk]


# --- over REST


@pytest.fixture
def ada(world):
    return asker(world, "ada", SCOPES)


@spec("Standard Webhooks", "Endpoint management API")
def test_a_webhook_is_added_with_a_secret_that_is_shown_once_tried_changed_and_removed(world, ada, documents):
    path = "/told/by-rest"
    said = {"url": documents.url(path), "events": ["agent.*"], "description": "To the pager"}
    made = ada("POST", "/webhooks", said)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store"), made.text
    secret, place = made.json()["secret"], f"/webhooks/{made.json()['id']}"
    shown = ada("GET", place)
    assert "secret" not in shown.json()
    assert made.json() == {**shown.json(), "secret": secret}
    with context.use(world.tenant):
        assert secret not in json.dumps(list(Webhook.objects.values()), default=str)
    pinged = ada("POST", f"{place}/ping")
    assert (pinged.status_code, pinged.json()["state"]) == (201, "waiting")
    assert tell(world) == 1
    (told,) = [each for each in documents.told if each.path == path]
    assert genuine(told, secret)["type"] == "webhook.pinged"
    done = ada("GET", f"{place}/deliveries/{pinged.json()['id']}").json()
    assert (done["state"], done["event_id"], done["tries"][0]["status"]) == (
        "delivered",
        told.headers["webhook-id"],
        200,
    )
    assert ada("GET", f"{place}/deliveries?state=delivered").json()["deliveries"] == [done]
    changed = ada("PATCH", place, {"is_on": False}, **{"If-Match": shown.headers["etag"]})
    assert (changed.status_code, changed.json()["is_on"]) == (200, False)
    assert ada("PATCH", place, {"is_on": True}, **{"If-Match": shown.headers["etag"]}).status_code == 412
    assert ada("POST", f"{place}/ping").status_code == 409
    rotated = ada("POST", f"{place}/rotate-secret", {"keep_hours": 2})
    assert rotated.json()["secret"] not in {secret, ""}
    assert rotated.json()["old_secret_until"]
    assert ada("DELETE", place).status_code == 204
    assert ada("GET", place).status_code == 404
    assert [each.event for each in world.entries() if each.event.startswith("webhook.")] == [
        "webhook.added", "webhook.pinged", "webhook.changed", "webhook.secret_changed", "webhook.removed",
    ]  # fmt: skip
    assert path not in json.dumps([each.detail for each in world.entries()]), "a path may be a secret"


@spec("Standard Webhooks", "Visibility into failures and manual retries")
def test_what_was_missed_is_sent_again_under_the_same_id_and_not_while_it_waits(world, ada, program):
    program.answers(refusing())
    happened = happens(world).pk
    tell(world)
    (delivery,) = program.deliveries()
    place = f"/webhooks/{program.pk}/deliveries/{delivery.pk}"
    assert ada("POST", f"{place}/replay").status_code == 409
    world.rewrite(delivery, state="given_up", attempts=9)
    program.answers(hostile.json_answer(b"{}"))
    passes(world, timedelta(minutes=1))
    again = ada("POST", f"{place}/replay")
    assert (again.status_code, again.json()["state"]) == (200, "waiting")
    assert send(world) == 1
    assert program.ids == [happened] * 2
    assert genuine(program.told[-1], program.secret)["data"]["id"] == happened
    assert [(each["status"]) for each in ada("GET", place).json()["tries"]] == [500, 200]
    (entry,) = world.entries("webhook.replayed")
    assert entry.detail == {"delivery": delivery.pk, "event": "agent.changed", "entry": happened}
    world.rewrite(program.row, on_since=None)
    assert ada("POST", f"{place}/replay").status_code == 409


@spec("Standard Webhooks", "Enforcing HTTPS")
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"url": "http://hooks.example.com/"}, 422), ({"url": "https://localhost/"}, 422),
        ({"url": "https://10.0.0.1/"}, 422), ({"url": "https://ada:pw@hooks.example.com/"}, 422),
        ({"url": "https://hooks.example.com/#a"}, 422), ({"url": ""}, 400), ({"url": None}, 400),
        ({"events": []}, 422), ({"events": ["agent"]}, 422), ({"events": ["*"]}, 422),
        ({"events": ["token.issued"]}, 422), ({"events": "agent.*"}, 400), ({"description": "x" * 201}, 400),
        ({"is_on": False}, 400),
    ],
)  # fmt: skip
def test_what_cannot_hold_is_refused_and_writes_nothing(world, ada, changes, status):
    good = {"url": "https://hooks.example.com/", "events": ["agent.*"]}
    before = len(world.entries())
    refused = ada("POST", "/webhooks", good | changes)
    assert refused.status_code == status, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    with context.use(world.tenant):
        assert not Webhook.objects.exists()
    assert len(world.entries()) == before


@spec("Standard Webhooks", "Multiple endpoints (fanout)")
def test_a_tenant_has_twenty_and_no_more(world, ada, monkeypatch):
    monkeypatch.setattr(actions, "MOST", 1)
    with context.use(world.tenant):
        actions.add_webhook("https://hooks.example.com/", ["agent.*"], by=SYSTEM)
        with pytest.raises(actions.TooMany):
            actions.add_webhook("https://hooks.example.com/", ["agent.*"], by=SYSTEM)
