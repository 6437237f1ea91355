"""Revocation: a client gives back its own tokens, and learns nothing of anybody else's (RFC 7009)."""

import pytest

from audit.events import Event
from tests.harness.footprint import events, leaves_only
from tests.harness.wire import assert_refused
from tests.spec import spec


@pytest.fixture
def scout(world):
    return world.public_client()


@pytest.fixture
def tokens(world, scout):
    return world.grant(scout)


def is_dead(world, scout, tokens) -> bool:
    refreshed = world.refresh(scout, tokens["refresh_token"])
    return not world.is_active(tokens["access_token"]) and refreshed.json().get("error") == "invalid_grant"


@spec("RFC 7009", "2.1")
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
def test_any_token_of_a_family_ends_the_family_whatever_the_hint(world, scout, tokens, kind, hint):
    before = events(world)
    answer = world.revoke(scout, tokens[kind], token_type_hint=hint)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["cache-control"] == "no-store"
    assert events(world)[len(before) :] == [Event.FAMILY_REVOKED]
    assert is_dead(world, scout, tokens)


@spec("RFC 7009", "2.1")
def test_a_token_that_was_rotated_away_still_ends_its_family(world, scout, tokens):
    live = world.refresh(scout, tokens["refresh_token"]).json()
    live = world.refresh(scout, live["refresh_token"]).json()
    assert world.revoke(scout, tokens["refresh_token"]).status_code == 200
    assert is_dead(world, scout, live)


@spec("RFC 7009", "2.1")
def test_the_token_of_an_agent_for_itself_ends_alone(world):
    worker = world.worker()
    first, second = (world.own_token(worker).json()["access_token"] for _ in range(2))
    before = events(world)
    assert world.revoke(worker, first).status_code == 200
    assert events(world)[len(before) :] == [Event.TOKEN_REVOKED]
    assert not world.is_active(first)
    assert world.is_active(second)


@spec("RFC 7009", "2.2")
def test_what_is_dead_unknown_or_garbage_gets_the_same_answer(world, scout, tokens):
    world.revoke(scout, tokens["refresh_token"])
    family = tokens["refresh_token"].partition(".")[0]
    texts = ["x", "a.b.c", "rtf_x.0.y", f"{family}.0.forged", "ü", "." * 60_000, tokens["access_token"] + "x"]
    with leaves_only(world):
        for text in [*tokens.values(), *texts]:
            answer = world.revoke(scout, str(text))
            assert (answer.status_code, answer.content) == (200, b"")


@spec("RFC 7009", "2.1")
def test_a_token_that_was_revoked_before_is_left_alone(world):
    worker = world.worker()
    token = world.own_token(worker).json()["access_token"]
    world.revoke(worker, token)
    with leaves_only(world):
        assert world.revoke(worker, token).status_code == 200


@spec("RFC 7009", "2.1")
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_another_client_revokes_nothing_and_learns_nothing(world, scout, tokens, kind):
    thief = world.public_client("Thief")
    with leaves_only(world):
        answer = world.revoke(thief, tokens[kind])
    assert (answer.status_code, answer.content) == (200, b"")
    assert world.is_active(tokens["access_token"])
    assert world.refresh(scout, tokens["refresh_token"]).status_code == 200


@spec("RFC 7009", "2.1")
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_client_of_another_tenant_revokes_nothing(world, elsewhere, tokens, kind):
    there = elsewhere.public_client()
    with leaves_only(world), leaves_only(elsewhere):
        answer = elsewhere.revoke(there, tokens[kind])
    assert answer.status_code == 200
    assert world.is_active(tokens["access_token"])


@spec("RFC 7009", "2.1")
def test_a_resource_server_revokes_nothing(world, tokens):
    reader = world.introspector()
    with leaves_only(world):
        assert world.revoke(reader, tokens["access_token"]).status_code == 200
    assert world.is_active(tokens["access_token"])


@spec("RFC 7009", "2.1")
def test_a_forged_ancestor_revokes_nothing(world, scout, tokens):
    live = world.refresh(scout, tokens["refresh_token"]).json()
    family, _, secret = live["refresh_token"].split(".")
    with leaves_only(world):
        for forged in (f"{family}.0.{secret}", f"{family}.1.{secret}x", f"{family}.2.{secret}"):
            assert world.revoke(scout, forged).status_code == 200
    assert world.is_active(live["access_token"])


@spec("RFC 7009", "2.1")
def test_a_client_with_a_secret_must_show_it(world):
    ledger = world.secret_client()
    tokens = world.grant(ledger)
    form = {"token": tokens["refresh_token"]}
    with leaves_only(world):
        assert_refused(world.http.post(world.url("/revoke"), data=form), "invalid_client", 401)
        answer = world.http.post(world.url("/revoke"), data={**form, "client_id": ledger.id})
        assert_refused(answer, "invalid_client", 401)
    assert world.is_active(tokens["access_token"])


@spec("RFC 7009", "2.1")
def test_a_request_without_a_token_is_malformed(world, scout):
    with leaves_only(world, Event.TOKEN_REFUSED):
        answer = world.revoke(scout, "")
    assert_refused(answer, "invalid_request")


@spec("RFC 7009", "2.1")
def test_revoking_one_family_leaves_the_other_and_the_person_s_word_alone(world, scout, tokens):
    other = world.grant(scout)
    world.revoke(scout, tokens["refresh_token"])
    assert world.is_active(other["access_token"])
    assert world.refresh(scout, other["refresh_token"]).status_code == 200
    assert world.delegations()[0].ended_at is None
