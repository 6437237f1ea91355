"""Redeeming a code: once, by the client that asked, with its verifier, for no more than was allowed (RFC 6749 §4.1)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents import actions as agent_actions
from audit.events import Event
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.harness.footprint import events, leaves_only
from tests.harness.wire import assert_refused
from tests.harness.world import claims, pkce
from tests.spec import spec
from tokens import actions as token_actions


@pytest.fixture
def scout(world):
    return world.public_client()


@pytest.fixture
def bought(world, scout):
    """A code that was redeemed long enough ago that nobody sends it twice by accident."""
    code, verifier = world.code(scout)
    tokens = world.redeem(scout, code, verifier).json()
    world.rewrite(world.stored_code(code), used_at=timezone.now() - timedelta(seconds=3))
    return code, verifier, tokens


def is_dead(world, scout, tokens) -> bool:
    return not world.is_active(tokens["access_token"]) and (
        world.refresh(scout, tokens["refresh_token"]).json().get("error") == "invalid_grant"
    )


@spec("RFC 6749", "4.1.4")
def test_a_code_buys_tokens_once_and_leaves_one_entry(world, scout):
    code, verifier = world.code(scout)
    before = events(world)
    answer = world.redeem(scout, code, verifier)
    assert answer.status_code == 200
    lives = {"refresh_token_timeout", "authorization_expires_in"}
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"} | lives
    assert events(world)[len(before) :] == [Event.TOKEN_ISSUED]
    assert claims(answer.json()["access_token"])["aud"] == world.calendar.identifier


@spec("RFC 6749", "4.1.2")
def test_an_honest_double_submit_is_refused_and_does_no_harm(world, scout):
    code, verifier = world.code(scout)
    tokens = world.redeem(scout, code, verifier).json()
    with leaves_only(world, Event.TOKEN_REFUSED):
        answer = world.redeem(scout, code, verifier)
    assert_refused(answer, "invalid_grant")
    assert world.is_active(tokens["access_token"])
    assert world.refresh(scout, tokens["refresh_token"]).status_code == 200


@spec("RFC 6749", "4.1.2")
def test_a_replay_after_two_seconds_kills_what_the_code_bought(world, scout, bought):
    code, verifier, tokens = bought
    before = events(world)
    answer = world.redeem(scout, code, verifier)
    assert_refused(answer, "invalid_grant")
    assert events(world)[len(before) :] == [Event.FAMILY_REVOKED, Event.TOKEN_REFUSED]
    assert is_dead(world, scout, tokens)


@spec("RFC 6749", "4.1.2")
def test_a_replay_also_kills_what_was_refreshed_since(world, scout, bought):
    code, verifier, tokens = bought
    later = world.refresh(scout, tokens["refresh_token"]).json()
    assert_refused(world.redeem(scout, code, verifier), "invalid_grant")
    assert is_dead(world, scout, later)


@spec("RFC 9700", "4.5.3")
def test_a_replay_with_a_wrong_verifier_kills_at_once(world, scout):
    code, verifier = world.code(scout)
    tokens = world.redeem(scout, code, verifier).json()
    assert_refused(world.redeem(scout, code, pkce()[0]), "invalid_grant")
    assert is_dead(world, scout, tokens)


@spec("RFC 9700", "4.5.3")
def test_a_replay_by_another_client_kills_at_once(world, scout):
    code, verifier = world.code(scout)
    tokens = world.redeem(scout, code, verifier).json()
    assert_refused(world.redeem(world.public_client("Thief"), code, verifier), "invalid_grant")
    assert is_dead(world, scout, tokens)


@spec("RFC 6749", "4.1.2")
def test_a_replay_at_another_tenant_is_an_unknown_code(world, elsewhere, scout, bought):
    code, verifier, tokens = bought
    there = elsewhere.public_client()
    with leaves_only(world), leaves_only(elsewhere, Event.TOKEN_REFUSED):
        answer = elsewhere.redeem(there, code, verifier)
    assert_refused(answer, "invalid_grant")
    assert world.is_active(tokens["access_token"])


@spec("RFC 6749", "4.1.3")
@pytest.mark.parametrize("kind", ["public", "secret"])
def test_another_client_cannot_redeem_a_code_and_does_not_spend_it(world, scout, kind):
    code, verifier = world.code(scout)
    other = world.public_client("Other") if kind == "public" else world.secret_client("Other")
    with leaves_only(world, Event.TOKEN_REFUSED):
        answer = world.redeem(other, code, verifier)
    assert_refused(answer, "invalid_grant")
    assert world.redeem(scout, code, verifier).status_code == 200


@spec("RFC 7636", "4.6")
def test_only_the_exact_verifier_redeems_a_code(world, scout):
    code, verifier = world.code(scout)
    challenge = world.stored_code(code).code_challenge
    wrong = [pkce()[0], challenge, verifier[:-1], verifier + "x", verifier.swapcase(), "v" * 300, "v" * 42, "é" * 43]
    with leaves_only(world, *[Event.TOKEN_REFUSED] * len(wrong)):
        for each in wrong:
            assert_refused(world.redeem(scout, code, each), "invalid_grant")
    assert world.redeem(scout, code, verifier).status_code == 200


@spec("RFC 7636", "4.6")
def test_a_code_is_never_redeemed_without_a_verifier(world, scout):
    code, _ = world.code(scout)
    with leaves_only(world):
        answer = world.redeem(scout, code, "")
    assert_refused(answer, "invalid_request")


@spec("RFC 6749", "4.1.3")
@pytest.mark.parametrize(
    "uri",
    ["http://127.0.0.1/callback/", "http://127.0.0.1:8000/callback", "http://localhost/callback", "https://e.example"],
)
def test_a_code_is_not_redeemed_for_another_redirect_uri(world, scout, uri):
    code, verifier = world.code(scout)
    with leaves_only(world, Event.TOKEN_REFUSED):
        answer = world.redeem(scout, code, verifier, redirect_uri=uri)
    assert_refused(answer, "invalid_grant")


@spec("RFC 6749", "4.1.2")
def test_a_code_is_over_a_minute_after_it_was_made(world, scout):
    code, verifier = world.code(scout)
    row = world.stored_code(code)
    assert row.expires - row.created <= timedelta(seconds=61)
    world.rewrite(row, expires=timezone.now() - timedelta(milliseconds=1))
    with leaves_only(world, Event.TOKEN_REFUSED):
        answer = world.redeem(scout, code, verifier)
    assert_refused(answer, "invalid_grant")


@spec("RFC 6749", "10.10")
def test_what_is_not_exactly_the_code_is_unknown_and_the_code_is_stored_as_a_digest(world, scout):
    code, verifier = world.code(scout)
    assert code not in repr(vars(world.stored_code(code)))
    with leaves_only(world, *[Event.TOKEN_REFUSED] * 4):
        for each in (code[:-1], code + "x", code.swapcase(), world.stored_code(code).code):
            assert_refused(world.redeem(scout, each, verifier), "invalid_grant")


@spec("RFC 8725", "3.11")
def test_no_other_token_is_a_code(world, scout, bought):
    _, verifier, tokens = bought
    with leaves_only(world, *[Event.TOKEN_REFUSED] * 2):
        for each in (tokens["access_token"], tokens["refresh_token"]):
            assert_refused(world.redeem(scout, each, verifier), "invalid_grant")


@spec("RFC 6749", "4.1.3")
@pytest.mark.parametrize("scope", ["events:write", "events:read events:write", "openid", "offline_access"])
def test_a_scope_at_redemption_cannot_widen_what_was_allowed(world, scout, scope):
    code, verifier = world.code(scout)
    with leaves_only(world, Event.TOKEN_REFUSED):
        answer = world.redeem(scout, code, verifier, scope=scope)
    assert_refused(answer, "invalid_scope")
    assert world.redeem(scout, code, verifier).json()["scope"] == "events:read"


@spec("RFC 8707", "2.2")
def test_a_resource_at_redemption_cannot_widen_what_was_allowed(world, scout):
    code, verifier = world.code(scout)
    identifier = world.calendar.identifier
    wrong = [world.notes.identifier, world.tenant.issuer, identifier + "/", identifier + "#x", identifier + "/child"]
    wrong += ["https://nobody.example", "not a uri", identifier.replace("https://", "https://u@"), identifier.upper()]
    with leaves_only(world, *[Event.TOKEN_REFUSED] * len(wrong)):
        for each in wrong:
            assert_refused(world.redeem(scout, code, verifier, resource=each), "invalid_target")
    assert claims(world.redeem(scout, code, verifier).json()["access_token"])["aud"] == identifier


@spec("RFC 8707", "2.2")
def test_a_code_for_two_resources_buys_a_token_for_the_one_that_is_named(world, scout):
    both = [world.calendar.identifier, world.notes.identifier]
    code, verifier = world.code(scout, scope="events:read notes:read", resource=both)
    with leaves_only(world, *[Event.TOKEN_REFUSED] * 2):
        assert_refused(world.redeem(scout, code, verifier), "invalid_target")
        assert_refused(world.redeem(scout, code, verifier, resource=both), "invalid_target")
    answer = world.redeem(scout, code, verifier, resource=world.notes.identifier)
    assert answer.json()["scope"] == "notes:read"
    assert claims(answer.json()["access_token"])["aud"] == world.notes.identifier


def end_the_delegation(world, scout):
    token_actions.end_delegation(world.delegations()[0], by=SYSTEM, reason="enough")


def suspend_the_agent(world, scout):
    agent_actions.suspend_agent(scout.client.agent, by=SYSTEM, reason="strange")


def suspend_the_member(world, scout):
    tenant_actions.suspend_member(world.people["alice"], by=SYSTEM, reason="left")


def switch_the_person_off(world, scout):
    world.people["alice"].user.is_active = False
    world.people["alice"].user.save()


ENDINGS = [end_the_delegation, suspend_the_agent, suspend_the_member, switch_the_person_off]


@spec("RFC 6749", "4.1.3")
@pytest.mark.parametrize("end", ENDINGS)
def test_a_code_is_worth_nothing_once_what_it_hangs_on_is_over(world, scout, end):
    code, verifier = world.code(scout)
    with context.use(world.tenant):
        end(world, scout)
    with leaves_only(world, Event.TOKEN_REFUSED):
        answer = world.redeem(scout, code, verifier)
    assert_refused(answer, "invalid_grant")


@spec("RFC 6749", "4.1.3")
def test_a_code_of_a_disabled_client_is_worth_nothing(world, scout):
    code, verifier = world.code(scout)
    with context.use(world.tenant):
        agent_actions.disable_client(scout.client, by=SYSTEM, reason="lost")
    with leaves_only(world):
        answer = world.redeem(scout, code, verifier)
    assert_refused(answer, "invalid_client", 401)


@spec("RFC 6749", "4.1.3")
def test_a_code_of_a_suspended_tenant_is_worth_nothing(world, scout):
    code, verifier = world.code(scout)
    tenant_actions.suspend_tenant(world.tenant, by=SYSTEM, reason="unpaid")
    answer = world.redeem(scout, code, verifier)
    # Within the second in which a process still knows the tenant it refuses; after it, there is no such tenant.
    assert (answer.status_code, answer.json()["error"]) in {(400, "invalid_grant"), (404, "not_found")}
    assert world.stored_code(code).used_at is None
