"""Device authorization as the device sees it: two codes, polling, one token."""

import re
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone

from agents import actions as agent_actions
from audit.events import Event
from audit.principals import SYSTEM
from kit import context
from kit.oauth import GrantType
from tests.harness import device
from tests.harness.footprint import leaves_only
from tests.harness.keyholder import TYPE, Keyholder
from tests.harness.server import LOG
from tests.harness.wire import assert_refused, verified
from tests.harness.world import claims
from tests.spec import spec
from tokens import actions as token_actions
from tokens import device as verbs
from tokens.models import AccessToken, DeviceGrant

CODE = re.compile(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}")


@pytest.fixture
def started(world):
    return device.start(world)


def rewind(world, started, seconds):
    """Let the device have polled this long ago."""
    world.rewrite(started.row(), polled_at=timezone.now() - timedelta(seconds=seconds))


def tokens(world):
    with context.use(world.tenant):
        return AccessToken.objects.count()


@contextmanager
def leaves_only_a_poll(world, started):
    """Assert that the block writes down when the device asked, and nothing else; the ledger is not told of it."""
    with leaves_only(world):
        yield
        assert started.row().polled_at is not None
        world.rewrite(started.row(), polled_at=None)


@spec("RFC 8628", "3.2")
def test_a_device_gets_both_codes_and_where_to_type_one_of_them(world, started):
    answer = started.answer
    assert CODE.fullmatch(answer["user_code"])
    assert len(answer["device_code"]) >= 43
    assert answer["verification_uri"] == world.url("/device")
    assert answer["verification_uri_complete"] == f"{world.url('/device')}?user_code={answer['user_code']}"
    assert (answer["expires_in"], answer["interval"]) == (600, 5)
    assert answer.keys() == {
        "device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval",
    }  # fmt: skip


@spec("RFC 8628", "4")
def test_the_metadata_name_the_endpoint_and_the_grant(world):
    document = world.http.get(world.url("/.well-known/openid-configuration")).json()
    assert document["device_authorization_endpoint"] == world.url("/device_authorization")
    assert GrantType.DEVICE_CODE in document["grant_types_supported"]


@spec("RFC 8628", "3.5")
def test_a_device_waits_until_the_person_allows_and_then_gets_its_token_at_once(world, started):
    with leaves_only_a_poll(world, started):
        assert_refused(started.poll(), "authorization_pending")
    started.decide(duration="hour")
    answer = started.poll().json()
    _, body = verified(world, answer["access_token"])
    assert (body["sub"], body["aud"]) == (world.people["alice"].pk, world.calendar.identifier)
    assert (body["act"]["sub"], body["scope"]) == (started.who.client.agent_id, "events:read")
    assert world.is_active(answer["access_token"])
    assert world.refresh(started.who, answer["refresh_token"]).status_code == 200
    (issued,) = [entry for entry in world.entries(Event.TOKEN_ISSUED) if entry.about_id == body["jti"]]
    assert issued.detail["grant"] == GrantType.DEVICE_CODE


@spec("RFC 8628", "3.5")
def test_each_poll_that_comes_too_early_makes_the_device_wait_five_seconds_longer(world, started):
    assert_refused(started.poll(), "authorization_pending")
    assert_refused(started.poll(), "slow_down")
    assert_refused(started.poll(), "slow_down")
    assert started.row().poll_seconds == 15
    rewind(world, started, 13)
    assert_refused(started.poll(), "slow_down")
    rewind(world, started, 20)
    assert_refused(started.poll(), "authorization_pending")
    assert started.row().poll_seconds == 20
    assert not world.entries(Event.TOKEN_REFUSED)


@spec("RFC 8628", "3.5")
def test_a_poll_a_moment_before_its_time_is_no_hurry(world, started):
    started.poll()
    rewind(world, started, 4.5)
    assert_refused(started.poll(), "authorization_pending")


@spec("RFC 8628", "3.5")
@pytest.mark.parametrize("decision", ["deny", "report"])
def test_a_device_is_told_that_the_person_said_no(world, started, decision):
    started.decide(decision=decision)
    with leaves_only(world, Event.TOKEN_REFUSED):
        assert_refused(started.poll(), "access_denied")
    assert world.delegations() == []


@spec("RFC 8628", "3.5")
@pytest.mark.parametrize("is_allowed", [False, True], ids=["nobody decided", "allowed and not fetched"])
def test_a_code_is_over_after_ten_minutes(world, started, is_allowed):
    if is_allowed:
        started.decide()
    assert started.row().expires - started.row().created == timedelta(minutes=10)
    world.rewrite(started.row(), expires=timezone.now() - timedelta(seconds=1))
    with leaves_only(world, Event.TOKEN_REFUSED):
        assert_refused(started.poll(), "expired_token")


@spec("RFC 8628", "3.4")
@pytest.mark.parametrize("is_allowed", [False, True], ids=["pending", "allowed"])
def test_a_code_is_nothing_in_the_hands_of_another_client(world, started, is_allowed):
    if is_allowed:
        started.decide()
    other = device.agent(world, client_name="Other")
    with leaves_only(world, Event.TOKEN_REFUSED):
        assert_refused(started.poll(who=other), "invalid_grant")
    assert started.poll().status_code == (200 if is_allowed else 400)


@spec("RFC 8628", "3.4")
@pytest.mark.parametrize("code", ["x", "x" * 43, "\x00", "é", "' OR 1=1 --", "USER"])
def test_a_made_up_code_is_nothing(world, started, code):
    sent = started.user_code if code == "USER" else code
    with leaves_only(world, *([] if code == "\x00" else [Event.TOKEN_REFUSED])):
        assert_refused(started.poll(device_code=sent), "invalid_request" if code == "\x00" else "invalid_grant")


@spec("RFC 8628", "3.4")
@pytest.mark.parametrize("code", [None, ""])
def test_a_poll_without_a_code_is_malformed(world, started, code):
    with leaves_only(world):
        assert_refused(started.poll(device_code=code), "invalid_request")


@spec("RFC 8628", "3.5")
def test_a_code_buys_one_token_and_a_copy_at_once_does_no_harm(world, started):
    started.decide()
    token = started.poll().json()["access_token"]
    with leaves_only(world, Event.TOKEN_REFUSED):
        assert_refused(started.poll(), "invalid_grant")
    assert world.is_active(token)


@spec("RFC 9700", "4.14.2")
@pytest.mark.parametrize("whose", ["its own client", "another client"])
def test_a_code_that_comes_back_later_ends_what_it_bought(world, started, whose):
    started.decide()
    answer = started.poll().json()
    who = started.who
    if whose == "another client":
        who = device.agent(world, client_name="Other")
    else:
        world.rewrite(started.row(), used_at=timezone.now() - timedelta(seconds=3))
    assert_refused(started.poll(who=who), "invalid_grant")
    assert not world.is_active(answer["access_token"])
    assert_refused(world.refresh(started.who, answer["refresh_token"]), "invalid_grant")


@spec("RFC 8628", "5.2")
def test_codes_stand_nowhere_in_rows_ledger_or_log(world, started):
    started.poll()
    world.browser("alice").go(started.answer["verification_uri_complete"])
    started.decide()
    started.poll()
    started.poll()
    row = started.row()
    bare = started.user_code.replace("-", "")
    with context.use(world.tenant):
        kept = str([DeviceGrant.objects.values().get(pk=row.pk), *(e.detail for e in world.entries())])
    for secret in (started.device_code, started.user_code, bare):
        assert secret not in kept
        assert secret not in LOG.read_text(errors="replace")
    assert (len(row.device_code), len(row.user_code)) == (64, 64)


@spec("OIDC Core", "3.1.3.3")
def test_a_device_that_asks_for_openid_gets_an_id_token(world):
    started = device.start(world, scope="openid email events:read")
    started.decide()
    answer = started.poll().json()
    body = claims(answer["id_token"])
    assert body["aud"] == started.who.id
    assert body["sub"] == started.row().member_id
    assert body["auth_time"] <= body["iat"]


@spec("RFC 8707", "2.1")
def test_a_device_names_several_resources_and_gets_tokens_for_one_at_a_time(world):
    both = [world.calendar.identifier, world.notes.identifier]
    started = device.start(world, scope="events:read notes:read", resource=both)
    started.decide()
    assert_refused(started.poll(), "invalid_target")
    answer = started.poll(resource=world.notes.identifier).json()
    assert claims(answer["access_token"])["aud"] == world.notes.identifier
    again = world.refresh(started.who, answer["refresh_token"], resource=world.calendar.identifier)
    assert claims(again.json()["access_token"])["aud"] == world.calendar.identifier


def end_the_delegation(world, started):
    token_actions.end_delegation(world.delegations()[-1], by=SYSTEM, reason="enough")


def pause_the_agent(world, started):
    agent_actions.suspend_agent(started.who.client.agent, by=SYSTEM, reason="strange")


def close_the_account(world, started):
    world.rewrite(world.people["alice"], status="suspended")


@spec("RFC 8628", "3.5")
@pytest.mark.parametrize("end", [end_the_delegation, pause_the_agent, close_the_account])
def test_what_ends_between_the_yes_and_the_poll_is_over(world, started, end):
    started.decide()
    with context.use(world.tenant):
        end(world, started)
    assert_refused(started.poll(), "invalid_grant")
    assert tokens(world) == 0


@spec("RFC 8628", "3.1")
@pytest.mark.parametrize("kind", ["secret", "key"])
def test_a_confidential_client_proves_itself_at_both_endpoints(world, kind):
    who = device.agent(world, token_endpoint_auth_method="client_secret_basic")
    proof, extra = {}, {}
    if kind == "key":
        key = Keyholder(who.id)
        world.rewrite(who.client, jwks=key.jwks, auth_method="private_key_jwt")
        who.secret = ""
        proof, extra = ({"client_assertion_type": TYPE, "client_assertion": key.assertion(world)} for _ in range(2))
    started = device.start(world, who, **proof)
    started.decide()
    assert started.poll(**extra).status_code == 200


@spec("RFC 8628", "6.1")
def test_requests_that_are_long_over_are_forgotten(world, started):
    old = device.start(world)
    world.rewrite(old.row(), expires=timezone.now() - timedelta(days=2))
    with context.use(world.tenant):
        assert verbs.forget(timezone.now()) == 1
        assert DeviceGrant.objects.get().pk == started.row().pk
