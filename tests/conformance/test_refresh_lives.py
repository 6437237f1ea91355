"""How long a refresh token may be held and what it stands for is good: said with each one, the shorter of two rules."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from tests.spec import spec

DAY, WEEK, MONTH = 86_400, 7 * 86_400, settings.REFRESH_IDLE_DAYS * 86_400
HELD, AUTHORIZED = "refresh_token_timeout", "authorization_expires_in"


def about(seconds, expected):
    return expected - 60 <= seconds <= expected


@pytest.fixture
def scout(world):
    return world.public_client()


@spec("RT expiration", "5")
def test_with_a_refresh_token_comes_how_long_it_may_be_held_and_how_long_the_person_s_word_is_good(world, scout):
    first = world.grant(scout, duration="week")
    assert about(first[AUTHORIZED], WEEK)
    assert first[HELD] == first[AUTHORIZED]
    second = world.refresh(scout, first["refresh_token"]).json()
    assert second[HELD] == second[AUTHORIZED] <= first[AUTHORIZED]
    # The answer that is given again says it again.
    assert HELD in world.refresh(scout, first["refresh_token"]).json()


@spec("RT expiration", "4")
@pytest.mark.parametrize(
    ("delegation", "family", "held", "authorized"),
    [
        (100 * DAY, None, MONTH, 100 * DAY),
        (None, None, MONTH, None),
        (3 * DAY, 100 * DAY, 3 * DAY, 3 * DAY),
        (100 * DAY, 2 * DAY, 2 * DAY, 100 * DAY),
    ],
)
def test_whichever_ends_first_counts_and_what_has_no_end_is_left_out(
    world, scout, delegation, family, held, authorized
):
    first = world.grant(scout)
    now = timezone.now()
    ends = [None if each is None else now + timedelta(seconds=each) for each in (delegation, family)]
    world.rewrite(world.delegations()[0], expires_at=ends[0])
    world.rewrite(world.family(first["refresh_token"]), expires=ends[1])
    answer = world.refresh(scout, first["refresh_token"]).json()
    assert about(answer[HELD], held)
    assert (AUTHORIZED in answer) == (authorized is not None)
    assert authorized is None or about(answer[AUTHORIZED], authorized)


@spec("RT expiration", "5")
def test_of_several_resources_the_one_counts_that_ends_first(world, scout):
    both = [world.calendar.identifier, world.notes.identifier]
    code, verifier = world.code(scout, resource=both, scope="events:read notes:read", duration="week")
    answer = world.redeem(scout, code, verifier, resource=both[0]).json()
    notes = next(each for each in world.delegations() if each.audience == both[1])
    world.rewrite(notes, expires_at=timezone.now() + timedelta(days=1))
    assert about(world.refresh(scout, answer["refresh_token"], resource=both[0]).json()[AUTHORIZED], DAY)


@spec("RT expiration", "5")
def test_an_answer_without_a_refresh_token_says_nothing_of_it(world):
    answer = world.own_token(world.worker()).json()
    assert not {HELD, AUTHORIZED, "refresh_token"} & answer.keys()


@spec("RT expiration", "6")
def test_the_metadata_says_both_words_for_it(world):
    document = world.http.get(world.url("/.well-known/openid-configuration")).json()
    assert document["refresh_token_expiration_types_supported"] == ["authorization", "credential", "token_timeout"]
