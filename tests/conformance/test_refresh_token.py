"""Refresh tokens: one live token per family, and reuse that tells on itself (RFC 6749 §6, RFC 9700 §4.14)."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from agents import actions as agent_actions
from audit.events import Event
from audit.principals import SYSTEM
from kit import context, opaque
from tests.harness.footprint import events, leaves_only, rows
from tests.harness.wire import assert_refused
from tests.harness.world import claims
from tests.spec import spec
from tokens import actions as token_actions


@pytest.fixture
def scout(world):
    return world.public_client()


@pytest.fixture
def first(world, scout):
    """The first token of a family."""
    return world.grant(scout, scope="events:read contacts:read")["refresh_token"]


def after_the_grace(world, token):
    family = world.family(token)
    world.rewrite(family, rotated_at=family.rotated_at - timedelta(seconds=11))


@spec("RFC 9700", "4.14.2")
def test_each_use_gives_the_next_token_and_leaves_one_entry(world, scout, first):
    before = events(world)
    answer = world.refresh(scout, first)
    assert answer.status_code == 200
    lives = {"refresh_token_timeout", "authorization_expires_in"}
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"} | lives
    assert answer.json()["scope"] == "contacts:read events:read"
    assert events(world)[len(before) :] == [Event.TOKEN_ISSUED]
    third = world.refresh(scout, answer.json()["refresh_token"]).json()["refresh_token"]
    assert len({first, answer.json()["refresh_token"], third}) == 3
    assert world.family(first).pk == world.family(third).pk
    assert world.family(third).generation == 2


@spec("RFC 9700", "4.14.2")
def test_an_answer_that_was_lost_is_given_again_within_ten_seconds(world, scout, first):
    successor = world.refresh(scout, first).json()["refresh_token"]
    again = world.refresh(scout, first)
    assert again.json()["refresh_token"] == successor
    assert world.is_active(again.json()["access_token"])
    assert world.family(first).generation == 1
    assert world.refresh(scout, successor).status_code == 200


@spec("RFC 9700", "4.14.2")
def test_the_parent_that_comes_back_after_the_grace_ends_the_family(world, scout, first):
    live = world.refresh(scout, first).json()
    after_the_grace(world, first)
    before = events(world)
    assert_refused(world.refresh(scout, first), "invalid_grant")
    assert events(world)[len(before) :] == [Event.FAMILY_REVOKED, Event.TOKEN_REFUSED]
    assert_refused(world.refresh(scout, live["refresh_token"]), "invalid_grant")
    assert not world.is_active(live["access_token"])


@spec("RFC 9700", "4.14.2")
def test_an_ancestor_two_generations_old_ends_the_family_even_within_the_grace(world, scout, first):
    second = world.refresh(scout, first).json()["refresh_token"]
    live = world.refresh(scout, second).json()
    assert_refused(world.refresh(scout, first), "invalid_grant")
    assert_refused(world.refresh(scout, live["refresh_token"]), "invalid_grant")
    assert not world.is_active(live["access_token"])


@spec("RFC 9700", "4.14.2")
def test_a_token_that_only_looks_like_an_ancestor_is_refused_and_ends_nothing(world, scout, first):
    world.refresh(scout, first)
    live = world.refresh(scout, world.refresh(scout, first).json()["refresh_token"]).json()["refresh_token"]
    family, generation, secret = live.split(".")
    forged = [
        f"{family}.0.{secret}",
        f"{family}.1.{secret}",
        f"{family}.3.{secret}",
        f"{family}.{generation}.{secret}x",
    ]
    forged += [
        f"{family}.{generation}.",
        f"{family}.-1.{secret}",
        f"{family}.{'9' * 40}.{secret}",
        f"{family}.²." + secret,
    ]
    with leaves_only(world, *[Event.TOKEN_REFUSED] * len(forged)):
        for each in forged:
            assert_refused(world.refresh(scout, each), "invalid_grant")
    assert world.refresh(scout, live).status_code == 200


@spec("RFC 6749", "10.4")
def test_another_client_is_refused_and_the_family_lives_on(world, scout, first):
    live = world.refresh(scout, first).json()["refresh_token"]
    after_the_grace(world, first)
    thief = world.public_client("Thief")
    with leaves_only(world, *[Event.TOKEN_REFUSED] * 2):
        assert_refused(world.refresh(thief, live), "invalid_grant")
        assert_refused(world.refresh(thief, first), "invalid_grant")
    assert world.refresh(scout, live).status_code == 200


@spec("RFC 6749", "6")
def test_a_client_with_a_secret_refreshes_with_it_only(world):
    ledger = world.secret_client()
    token = world.grant(ledger)["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": ledger.id}
    with leaves_only(world):
        assert_refused(world.http.post(world.url("/token"), data=form), "invalid_client", 401)
    assert world.refresh(ledger, token).status_code == 200


@spec("RFC 6749", "6")
@pytest.mark.parametrize("scope", ["events:write", "events:read events:write", "openid", "notes:read", "EVENTS:READ"])
def test_a_scope_that_was_not_allowed_is_refused_and_the_token_not_spent(world, scout, first, scope):
    with leaves_only(world, Event.TOKEN_REFUSED):
        answer = world.refresh(scout, first, scope=scope)
    # What is unknown at the resource nobody can allow.
    page = world.url("/who-decides") if "events:write" in scope else ""
    assert_refused(answer, "invalid_scope", page=page)
    assert world.family(first).generation == 0


@spec("RFC 6749", "6")
def test_a_narrower_token_does_not_narrow_the_family(world, scout, first):
    narrow = world.refresh(scout, first, scope="events:read").json()
    assert narrow["scope"] == "events:read"
    assert claims(narrow["access_token"])["scope"] == "events:read"
    assert world.refresh(scout, narrow["refresh_token"]).json()["scope"] == "contacts:read events:read"


@spec("RFC 6749", "6")
def test_what_the_person_no_longer_allows_is_not_given_again(world, scout, first):
    world.rewrite(world.delegations()[0], scopes=["contacts:read"])
    assert world.refresh(scout, first).json()["scope"] == "contacts:read"
    page = world.url("/who-decides")
    assert_refused(world.refresh(scout, first, scope="events:read"), "invalid_scope", page=page)


@spec("RFC 8707", "2.2")
def test_a_resource_that_was_not_allowed_is_refused_and_the_token_not_spent(world, scout, first):
    wrong = [world.notes.identifier, world.tenant.issuer, world.calendar.identifier + "/", "https://nobody.example"]
    with leaves_only(world, *[Event.TOKEN_REFUSED] * 5):
        for each in wrong:
            assert_refused(world.refresh(scout, first, resource=each), "invalid_target")
        both = [world.calendar.identifier, world.notes.identifier]
        assert_refused(world.refresh(scout, first, resource=both), "invalid_target")
    assert world.refresh(scout, first).status_code == 200


@spec("RFC 8707", "2.2")
def test_a_family_for_two_resources_gives_a_token_for_either(world, scout):
    both = [world.calendar.identifier, world.notes.identifier]
    code, verifier = world.code(scout, scope="events:read notes:read", resource=both)
    token = world.redeem(scout, code, verifier, resource=both[0]).json()["refresh_token"]
    for resource, scope in ((both[1], "notes:read"), (both[0], "events:read")):
        answer = world.refresh(scout, token, resource=resource).json()
        assert (claims(answer["access_token"])["aud"], answer["scope"]) == (resource, scope)
        token = answer["refresh_token"]


@spec("RFC 9700", "4.14.2")
def test_a_token_that_rests_too_long_is_over(world, scout, first):
    world.rewrite(
        world.family(first), rotated_at=timezone.now() - timedelta(days=settings.REFRESH_IDLE_DAYS, seconds=1)
    )
    with leaves_only(world, Event.TOKEN_REFUSED):
        assert_refused(world.refresh(scout, first), "invalid_grant")


@spec("RFC 9700", "4.14.2")
def test_use_does_not_lengthen_the_absolute_life(world, scout, first):
    end = world.family(first).expires
    assert end is not None
    later = world.refresh(scout, first).json()["refresh_token"]
    assert world.family(later).expires == end
    world.rewrite(world.family(first), expires=timezone.now() - timedelta(seconds=1))
    with leaves_only(world, Event.TOKEN_REFUSED):
        assert_refused(world.refresh(scout, later), "invalid_grant")


@spec("RFC 7009", "2.1")
def test_a_revoked_family_is_refused_within_the_grace_too(world, scout, first):
    live = world.refresh(scout, first).json()["refresh_token"]
    assert world.revoke(scout, live).status_code == 200
    with leaves_only(world, *[Event.TOKEN_REFUSED] * 2):
        assert_refused(world.refresh(scout, live), "invalid_grant")
        assert_refused(world.refresh(scout, first), "invalid_grant")


@spec("RFC 6749", "6")
def test_no_refresh_token_for_a_client_that_did_not_register_the_grant(world):
    once = world.public_client("Once", grant_types=["authorization_code"])
    tokens = world.grant(once, scope="events:read offline_access")
    assert "refresh_token" not in tokens
    assert world.is_active(tokens["access_token"])


@spec("RFC 6749", "10.4")
def test_no_token_is_at_rest_in_clear(world, scout, first):
    tokens = world.refresh(scout, first).json()
    kept = repr(rows(world)) + repr([vars(entry) for entry in world.entries()])
    for secret in (first.split(".")[2], tokens["refresh_token"].split(".")[2], *tokens["access_token"].split(".")[1:]):
        assert secret not in kept
    assert opaque.digest(tokens["refresh_token"].split(".")[2]) in kept


@spec("RFC 8725", "3.11")
def test_no_other_token_refreshes_and_a_refresh_token_opens_no_api(world, scout):
    tokens = world.grant(scout, scope="openid events:read")
    with leaves_only(world, *[Event.TOKEN_REFUSED] * 2):
        for name in ("access_token", "id_token"):
            assert_refused(world.refresh(scout, tokens[name]), "invalid_grant")
    bearer = {"Authorization": f"Bearer {tokens['refresh_token']}"}
    for path in ("/userinfo", "/api/v1/self"):
        assert world.http.get(world.url(path), headers=bearer).status_code == 401


def end_the_delegation(world, scout):
    token_actions.end_delegation(world.delegations()[0], by=SYSTEM, reason="enough")


def let_the_delegation_run_out(world, scout):
    world.rewrite(world.delegations()[0], expires_at=timezone.now() - timedelta(seconds=1))


def suspend_the_agent(world, scout):
    agent_actions.suspend_agent(scout.client.agent, by=SYSTEM, reason="strange")


def suspend_the_member(world, scout):
    world.rewrite(world.people["alice"], status="suspended")


@spec("RFC 9700", "4.14.2")
@pytest.mark.parametrize("end", [end_the_delegation, let_the_delegation_run_out, suspend_the_agent, suspend_the_member])
def test_a_token_is_worth_nothing_once_what_it_hangs_on_is_over(world, scout, first, end):
    with context.use(world.tenant):
        end(world, scout)
    with leaves_only(world, Event.TOKEN_REFUSED):
        assert_refused(world.refresh(scout, first), "invalid_grant")


@spec("RFC 6749", "6")
def test_a_paused_agent_goes_on_with_the_token_it_had(world, scout, first):
    with context.use(world.tenant):
        agent_actions.suspend_agent(scout.client.agent, by=SYSTEM, reason="strange")
        assert world.refresh(scout, first).status_code == 400
        agent_actions.resume_agent(scout.client.agent, by=SYSTEM)
    assert world.refresh(scout, first).status_code == 200
