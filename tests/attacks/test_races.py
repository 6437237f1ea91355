"""Many requests at the same moment: one winner, nobody hurt, and nothing that outlives its end (RFC 9700 §4.14)."""

import httpx
import pytest

from agents import actions as agent_actions
from audit.principals import SYSTEM
from kit import context
from tests.harness import rush
from tests.harness.rush import MANY, answers, minted, start_together
from tests.spec import spec
from tokens import actions as token_actions
from tokens import installations
from tokens.models import RefreshToken


@pytest.fixture
def crowd(world):
    with rush.callers(world) as pool:
        yield pool


def last_tokens(found: list[httpx.Response]) -> list[str]:
    """Return a handful of the access tokens that were handed out."""
    return rush.tokens(found)[-5:]


def assert_nothing_was_minted_since(world, count: int, found: list[httpx.Response]) -> None:
    """The end returned when `count` tokens were there: none was minted around it, and those that were are dead."""
    assert {answer.status_code for answer in found} <= {200, 400}
    assert minted(world) == count
    assert not any(world.is_active(each) for each in last_tokens(found))


@spec("RFC 6749", "4.1.2")
def test_of_fifty_redemptions_of_one_code_one_wins_and_its_token_lives_on(world, crowd):
    scout = world.public_client()
    code, verifier = world.code(scout)
    found = answers(start_together(crowd, lambda: world.redeem(scout, code, verifier)))
    won = [answer.json() for answer in found if answer.status_code == 200]
    lost = {(answer.status_code, answer.json()["error"]) for answer in found if answer.status_code != 200}
    assert len(won) == 1
    assert lost == {(400, "invalid_grant")}
    assert world.is_active(won[0]["access_token"])
    assert world.refresh(scout, won[0]["refresh_token"]).status_code == 200


@spec("RFC 9700", "4.14.2")
def test_of_fifty_refreshes_of_one_token_all_get_the_same_successor_or_a_refusal(world, crowd):
    scout = world.public_client()
    token = world.grant(scout)["refresh_token"]
    found = answers(start_together(crowd, lambda: world.refresh(scout, token)))
    assert {answer.status_code for answer in found} <= {200, 400}
    assert {answer.json()["error"] for answer in found if answer.status_code == 400} <= {"invalid_grant"}
    successors = {answer.json()["refresh_token"] for answer in found if answer.status_code == 200}
    assert len(successors) == 1
    family = world.family(token)
    assert (family.generation, family.revoked) == (1, None)
    assert all(world.is_active(each) for each in last_tokens(found))
    assert world.refresh(scout, successors.pop()).status_code == 200


def end_the_delegation(scout, delegation):
    token_actions.end_delegation(delegation, by=SYSTEM, reason="enough")


def suspend_the_agent(scout, delegation):
    agent_actions.suspend_agent(scout.client.agent, by=SYSTEM, reason="strange")


def revoke_the_family(scout, delegation):
    family = RefreshToken.objects.get(client=scout.client, revoked=None)
    token_actions.revoke_family(family.pk, by=SYSTEM, reason="enough")


def end_the_installation(scout, delegation):
    family = RefreshToken.objects.get(client=scout.client, revoked=None)
    installations.end(family, delegation, by=SYSTEM, reason="enough")


@spec("RFC 7009", "2.1")
@pytest.mark.parametrize("end", [end_the_delegation, suspend_the_agent, revoke_the_family, end_the_installation])
def test_no_refresh_in_flight_outlives_the_end_of_what_it_hangs_on(world, crowd, end):
    for _ in range(5):
        scout = world.public_client()
        token = world.grant(scout)["refresh_token"]
        with context.use(world.tenant):
            delegation = world.delegations()[-1]
            pending = start_together(crowd, lambda who=scout, held=token: world.refresh(who, held))
            pending[0].result(timeout=60)
            end(scout, delegation)
            count = minted(world)
        assert world.refresh(scout, token).status_code == 400
        assert_nothing_was_minted_since(world, count, answers(pending))


@spec("RFC 7009", "2.1")
def test_no_redemption_in_flight_outlives_the_end_of_the_delegation(world, crowd):
    scout = world.public_client()
    codes = [world.code(scout) for _ in range(5)]
    queue = iter(codes * (MANY // len(codes)))
    pending = start_together(crowd, lambda: world.redeem(scout, *next(queue)))
    with context.use(world.tenant):
        token_actions.end_delegation(world.delegations()[-1], by=SYSTEM, reason="enough")
        count = minted(world)
    assert_nothing_was_minted_since(world, count, answers(pending))
    assert world.redeem(scout, *codes[0]).status_code == 400


@spec("RFC 6749", "4.4")
def test_no_token_of_an_agent_s_own_outlives_the_end_of_its_access(world, crowd):
    worker = world.worker()
    pending = start_together(crowd, lambda: world.own_token(worker))
    pending[0].result(timeout=60)
    with context.use(world.tenant):
        token_actions.end_delegation(world.delegations()[-1], by=SYSTEM, reason="enough")
        count = minted(world)
    assert_nothing_was_minted_since(world, count, answers(pending))
