"""Introspection: what a token is worth right now, for those whom it concerns; nothing at all for others (RFC 7662)."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from agents import actions as agent_actions
from audit.events import Event
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.harness.footprint import leaves_only
from tests.harness.wire import assert_refused
from tests.harness.world import claims
from tests.spec import spec
from tokens import actions as token_actions
from tokens.models import AccessToken

INACTIVE = {"active": False}


@pytest.fixture
def ledger(world):
    return world.secret_client()


@pytest.fixture
def tokens(world, ledger):
    return world.grant(ledger)


@spec("RFC 7662", "2.2")
def test_the_audience_learns_every_claim_of_a_live_token(world, tokens):
    reader = world.introspector()
    # That a resource server asks is noted once a minute: this is the once.
    world.introspect(reader, tokens["access_token"])
    with leaves_only(world):
        answer = world.introspect(reader, tokens["access_token"])
    assert answer == {"active": True, "token_type": "Bearer", **claims(tokens["access_token"])}


@spec("RFC 7662", "2.2")
def test_the_answer_is_json_that_no_cache_keeps(world, ledger, tokens):
    form = {"token": tokens["access_token"]}
    answer = world.http.post(world.url("/introspect"), data=form, auth=ledger.basic)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


@spec("RFC 7662", "2.1")
def test_a_client_learns_of_its_own_tokens(world, ledger, tokens):
    assert world.introspect(ledger, tokens["access_token"])["active"]
    refresh = world.introspect(ledger, tokens["refresh_token"])
    assert refresh["active"]
    assert refresh["client_id"] == ledger.id
    assert "aud" not in refresh


@spec("RFC 7662", "4")
def test_nobody_else_learns_that_a_token_exists(world, elsewhere, tokens):
    strangers = [world.secret_client("Other"), world.worker(), world.introspector(world.notes)]
    for stranger in strangers:
        for token in (tokens["access_token"], tokens["refresh_token"]):
            assert world.introspect(stranger, token) == INACTIVE
    assert elsewhere.introspect(elsewhere.introspector(), tokens["access_token"]) == INACTIVE
    assert world.introspect(world.introspector(), tokens["refresh_token"]) == INACTIVE


@spec("RFC 7662", "2.2")
def test_what_is_no_live_token_is_inactive_and_nothing_more(world, ledger, tokens):
    token = tokens["access_token"]
    header, payload, signature = token.split(".")
    garbage = [
        "x", "a.b.c", "rtf_", "rtf_x.0.y", "rtf_x.99999999999.y", token + "x", token[:-4], f"{header}.{payload}.",
        f"{header}.{payload}.{signature[::-1]}", f"eyJhbGciOiJub25lIn0.{payload}.", "ü.ü.ü", "." * 60_000, "a" * 60_000,
        tokens["refresh_token"] + "x", tokens["refresh_token"].replace(".0.", ".1."), f"{token}.{token}",
    ]  # fmt: skip
    with leaves_only(world):
        for each in garbage:
            assert world.introspect(ledger, each) == INACTIVE


@spec("RFC 7662", "2.1")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
def test_a_wrong_hint_changes_nothing(world, ledger, tokens, hint):
    for name in ("access_token", "refresh_token"):
        form = {"token": tokens[name], "token_type_hint": hint}
        assert world.http.post(world.url("/introspect"), data=form, auth=ledger.basic).json()["active"]


@spec("RFC 7662", "2.1")
def test_whoever_asks_must_authenticate_with_a_secret(world, tokens):
    scout = world.public_client()
    form = {"token": tokens["access_token"]}
    with leaves_only(world):
        assert_refused(world.http.post(world.url("/introspect"), data=form), "invalid_client", 401)
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        answer = world.http.post(world.url("/introspect"), data=form, headers=bearer)
        assert_refused(answer, "invalid_client", 401)
    with leaves_only(world, Event.TOKEN_REFUSED):
        answer = world.http.post(world.url("/introspect"), data={**form, "client_id": scout.id})
    assert_refused(answer, "invalid_client", 401)


@spec("RFC 7662", "2.1")
def test_a_request_without_a_token_is_malformed(world, ledger):
    with leaves_only(world, Event.TOKEN_REFUSED):
        answer = world.http.post(world.url("/introspect"), data={"token": ""}, auth=ledger.basic)
    assert_refused(answer, "invalid_request")


@spec("RFC 7662", "2.2")
def test_a_refresh_token_that_was_followed_by_another_is_inactive(world, ledger, tokens):
    later = world.refresh(ledger, tokens["refresh_token"]).json()
    assert world.introspect(ledger, tokens["refresh_token"]) == INACTIVE
    assert world.introspect(ledger, later["refresh_token"])["active"]


def end_the_delegation(world, ledger):
    token_actions.end_delegation(world.delegations()[0], by=SYSTEM, reason="enough")


def let_the_delegation_run_out(world, ledger):
    world.rewrite(world.delegations()[0], expires_at=timezone.now() - timedelta(seconds=1))


def suspend_the_agent(world, ledger):
    agent_actions.suspend_agent(ledger.client.agent, by=SYSTEM, reason="strange")


def suspend_the_member(world, ledger):
    tenant_actions.suspend_member(world.people["alice"], by=SYSTEM, reason="left")


def switch_the_person_off(world, ledger):
    world.people["alice"].user.is_active = False
    world.people["alice"].user.save()


@spec("RFC 7662", "2.2")
@pytest.mark.parametrize(
    "end",
    [
        end_the_delegation, let_the_delegation_run_out, suspend_the_agent, suspend_the_member, switch_the_person_off,
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_token_is_inactive_in_the_very_next_request_once_what_it_hangs_on_is_over(world, ledger, tokens, end, kind):
    assert world.introspect(ledger, tokens[kind])["active"]
    with context.use(world.tenant):
        end(world, ledger)
    assert world.introspect(ledger, tokens[kind]) == INACTIVE


@spec("RFC 7662", "2.2")
def test_a_token_of_a_disabled_client_is_inactive(world, ledger, tokens):
    assert world.is_active(tokens["access_token"])
    with context.use(world.tenant):
        agent_actions.disable_client(ledger.client, by=SYSTEM, reason="lost")
    assert not world.is_active(tokens["access_token"])


@spec("RFC 7662", "2.2")
def test_a_suspended_tenant_says_nothing_good_of_its_tokens(world, ledger, tokens):
    assert world.introspect(ledger, tokens["access_token"])["active"]
    tenant_actions.suspend_tenant(world.tenant, by=SYSTEM, reason="unpaid")
    form = {"token": tokens["access_token"]}
    answer = world.http.post(world.url("/introspect"), data=form, auth=ledger.basic)
    assert (answer.status_code, answer.json().get("active")) in {(200, False), (404, None)}


@spec("RFC 7662", "2.2")
def test_an_expired_token_is_inactive(world, ledger, tokens):
    with context.use(world.tenant):
        AccessToken.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert world.introspect(ledger, tokens["access_token"]) == INACTIVE


@spec("RFC 7662", "2.2")
def test_a_refresh_token_that_rested_too_long_or_is_too_old_is_inactive(world, ledger, tokens):
    family = world.family(tokens["refresh_token"])
    world.rewrite(family, rotated_at=timezone.now() - timedelta(days=settings.REFRESH_IDLE_DAYS, seconds=1))
    assert world.introspect(ledger, tokens["refresh_token"]) == INACTIVE
    world.rewrite(family, rotated_at=timezone.now(), expires=timezone.now() - timedelta(seconds=1))
    assert world.introspect(ledger, tokens["refresh_token"]) == INACTIVE
