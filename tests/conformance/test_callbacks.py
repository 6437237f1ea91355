"""A client that registered a place and sent a token is called back once its deferred answer can be fetched (DTR)."""

import json
import secrets
from datetime import timedelta

import pytest
from django.utils import timezone

from agents import admission
from agents.models import Approval
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.conformance.test_registration_refusals import refused
from tests.harness import crowd, deferral, hostile
from tests.harness.deferral import WAITS, Waiting
from tests.harness.footprint import leaves_only
from tests.harness.registering import Managed
from tests.harness.wire import assert_refused
from tests.spec import spec
from tokens import callbacks
from tokens.models import Deferral
from trust.models import OutboundHost

NAME = "deferred_client_notification_endpoint"
TOKEN = "8d67dc78-7faa.4d41_aabd~67/70+7b=="
NO_CONTENT = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.fixture
def place(documents):
    """Where the client listens."""
    path = f"/called/{secrets.token_hex(6)}"
    documents.answers[path] = lambda connection: connection.sendall(NO_CONTENT)
    return path


@pytest.fixture
def worker(world, documents, place):
    who = world.worker()
    world.rewrite(who.client.agent, ceiling={world.calendar.identifier: ["events:read"]})
    world.rewrite(who.client, metadata={NAME: documents.url(place)})
    return who


@pytest.fixture
def waiting(world, worker):
    return deferral.more(world, worker, client_notification_token=TOKEN)


def tick(world, later=timedelta()):
    """Let the clock look, with no host at rest; return how many heard it."""
    with context.use(world.tenant):
        OutboundHost.objects.update(not_before=timezone.now(), failures=0)
        return callbacks.call_due(timezone.now() + later)


def told(documents, place):
    return [each for each in documents.told if each.path == place]


@spec("DTR", "callback")
def test_it_is_called_once_after_the_decision_with_its_own_token_and_the_code_alone(world, documents, place, waiting):
    assert tick(world) == 0
    waiting.approve()
    assert told(documents, place) == []
    assert (tick(world), tick(world, timedelta(days=1))) == (1, 0)
    (call,) = told(documents, place)
    assert json.loads(call.body) == {"deferral_code": waiting.code}
    assert (call.headers["authorization"], call.headers["content-type"]) == (f"Bearer {TOKEN}", "application/json")
    assert waiting.poll().status_code == 200


@spec("DTR", "callback")
def test_a_denial_is_told_and_one_that_is_taken_back_is_told_anew_when_it_is_decided(world, documents, place, waiting):
    waiting.deny()
    assert tick(world) == 1
    waiting.undo()
    assert_refused(waiting.poll(), "authorization_pending")
    assert tick(world) == 0
    waiting.approve()
    assert tick(world) == 1
    assert len(told(documents, place)) == 2


@spec("DTR", "callback")
def test_a_person_s_decision_is_told_like_an_admin_s(world, documents, place):
    scout = world.secret_client("Scout", **{NAME: documents.url(place)})
    held = world.grant(scout)["refresh_token"]
    asked = {"scope": "events:read events:write", "client_notification_token": TOKEN, **WAITS}
    waiting = Waiting(world, scout, world.refresh(scout, held, **asked).json())
    browser = world.browser("alice")
    browser.go(str(waiting.answer["interaction_uri"]))
    assert tick(world) == 0
    browser.submit(browser.form("/deferred/decision"), {"decision": "allow", "duration": "week"})
    assert tick(world) == 1
    assert waiting.poll().json()["scope"] == asked["scope"]


@spec("DTR", "callback")
@pytest.mark.parametrize("missing", ["token", "place", "opting in"])
def test_without_a_place_a_token_or_opting_in_nobody_is_called_and_polling_works(world, worker, missing):
    if missing == "place":
        world.rewrite(worker.client, metadata={})
    token = None if missing == "token" else TOKEN
    if missing == "opting in":
        answer = world.own_token(worker, scope="events:write", client_notification_token="not ~ a token")
        assert_refused(answer, "invalid_scope", page=world.url("/who-decides"))
        return
    waiting = deferral.more(world, worker, client_notification_token=token)
    waiting.approve()
    assert tick(world) == 0
    assert waiting.row().callback == ""
    assert waiting.poll().status_code == 200


@spec("RFC 6750", "2.1")
@pytest.mark.parametrize("token", ["a b", "a\r\nHost: evil.example", "=", "é", "x" * 1025], ids=ascii)
def test_a_token_that_no_header_could_carry_is_refused_and_nothing_waits(world, worker, token):
    with leaves_only(world):
        answer = world.own_token(worker, scope="events:write", **WAITS, client_notification_token=token)
    assert_refused(answer, "invalid_request")


@spec("DTR", "callback")
def test_what_it_is_called_with_stands_nowhere_in_the_open(world, waiting):
    with context.use(world.tenant):
        kept = str([Deferral.objects.values().get(pk=waiting.row().pk), *(each.detail for each in world.entries())])
    assert waiting.code not in kept
    assert TOKEN not in kept


@spec("DTR", "callback")
@pytest.mark.parametrize("fault", ["refuses", "redirects", "is silent", "is private"])
def test_a_client_that_cannot_be_called_is_tried_five_times_and_polls(world, documents, place, worker, fault):
    other = f"{place}/other"
    answers = {
        "refuses": hostile.status("500 Internal Server Error"),
        "redirects": hostile.status("307 Temporary Redirect", f"Location: {documents.url(other)}\r\n".encode()),
        "is silent": lambda connection: connection.close(),
    }
    documents.answers[place] = answers.get(fault, documents.answers[place])
    if fault == "is private":
        world.rewrite(worker.client, metadata={NAME: "https://localhost:1/called"})
    waiting = deferral.more(world, worker, client_notification_token=TOKEN)
    waiting.approve()
    tried = 0
    for _ in range(7):
        with context.use(world.tenant):
            tried += waiting.row().call_at is not None
        assert tick(world, timedelta(hours=2) * tried) == 0
    assert (tried, waiting.row().call_at) == (5, None)
    assert len(told(documents, place)) == (0 if fault == "is private" else 5)
    assert told(documents, other) == []
    assert waiting.poll().status_code == 200


@spec("DTR", "callback")
def test_where_it_is_called_no_more_nobody_calls(world, documents, place, waiting):
    waiting.approve()
    world.rewrite(waiting.who.client, metadata={NAME: documents.url(f"{place}/moved")})
    assert tick(world) == 0
    assert [each for each in documents.told if each.path.startswith(place)] == []


@spec("DTR", "callback")
def test_a_request_that_is_fetched_over_or_taken_back_calls_nobody(world, worker, documents, place):
    fetched, over, back = (deferral.more(world, worker, client_notification_token=TOKEN) for _ in range(3))
    world.revoke(worker, back.code)
    fetched.approve()
    assert fetched.poll().status_code == 200
    world.rewrite(over.row(), expires=timezone.now())
    assert tick(world) == 0
    assert told(documents, place) == []


@spec("DTR", "callback")
def test_two_clocks_at_once_call_once(world, documents, place, waiting):
    waiting.approve()
    with context.use(world.tenant):
        OutboundHost.objects.update(not_before=timezone.now(), failures=0)
    heard = crowd.at_once(3, lambda _: callbacks.call_due(timezone.now()), tenant=world.tenant)
    assert sum(heard) == len(told(documents, place)) == 1


@spec("RFC 7591", "2")
@pytest.mark.parametrize(
    "place", ["http://a.example/x", "https://127.0.0.1/x", "https://a.example/x#y", "https://b@a.example/x", "x", 7]
)
def test_a_place_that_nobody_could_call_is_not_registered(world, place):
    refused(world, {NAME: place})


@spec("RFC 7592", "2.2")
def test_an_approved_agent_that_is_called_elsewhere_is_a_new_question(world):
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="admission")
    scout = Managed.register(world, **{NAME: "https://a.example/called"})
    assert scout.answer[NAME] == "https://a.example/called"
    with context.use(world.tenant):
        ada = world.people["ada"]
        admission.approve(Approval.objects.get(agent=scout.row.agent_id), by=ada, owner=ada, ceiling=None)
    assert scout.row.agent.status == "active"
    assert scout.put(**{NAME: "https://evil.example/called"}).status_code == 200
    assert scout.row.agent.status == "pending"
