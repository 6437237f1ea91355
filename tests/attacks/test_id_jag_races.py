"""Grants of other domains, many at the same moment: one use, one delegation, one member, and no life after the end."""

import time
import uuid
from functools import partial

import httpx
import pytest

from audit.principals import SYSTEM
from kit import context
from tenants.models import Membership, User
from tests.harness import domains
from tests.harness.crowd import at_once
from tests.harness.domains import Foreign
from tests.harness.world import claims
from tests.spec import spec
from tokens import actions as token_actions
from tokens.models import AccessToken
from trust.models import SubjectLink, UsedGrant

MANY = 50


@pytest.fixture
def wide(world, elsewhere):
    """As many connections as there are callers."""
    limits = httpx.Limits(max_connections=MANY, max_keepalive_connections=MANY)
    with httpx.Client(timeout=60, limits=limits) as http:
        world.http = elsewhere.http = http
        yield http


@pytest.fixture
def across(world, elsewhere, wide):
    return domains.make(world, elsewhere)


def minted(world) -> int:
    with context.use(world.tenant):
        return AccessToken.objects.count()


def tokens(answers) -> list[str]:
    return [each.json()["access_token"] for each in answers if each.status_code == 200]


def refusals(answers) -> set[tuple[int, str]]:
    return {(each.status_code, each.json()["error"]) for each in answers if each.status_code != 200}


@spec("MCP", "Enterprise-Managed Authorization 7.4.2")
@pytest.mark.parametrize("again", [False, True])
def test_of_fifty_presentations_of_one_grant_one_mints(across, again):
    """Whether or not a delegation stands already: the use is what decides."""
    if again:
        across.cross()
    grant, count = across.grant(), minted(across.globex)
    answers = at_once(MANY, lambda _: across.redeem(grant))
    assert len(tokens(answers)) == 1
    assert refusals(answers) == {(400, "invalid_grant")}
    assert minted(across.globex) == count + 1
    assert len(across.standing(across.globex)) == 1
    assert across.globex.is_active(tokens(answers)[0])


@spec("MCP", "Enterprise-Managed Authorization 7.4.2")
def test_of_fifty_different_grants_with_one_id_one_mints(world, wide):
    """The id is what is used up, not the text: a signer may sign it again."""
    foreign, jti = Foreign(), str(uuid.uuid4())
    domains.trust_foreign(world, foreign)
    who = domains.presenter(world)
    grants = [foreign.grant(world, who, jti=jti, exp=int(time.time()) + 100 + number) for number in range(MANY)]
    answers = at_once(MANY, lambda number: domains.present(world, who, grants[number]))
    assert len(tokens(answers)) == 1
    assert refusals(answers) == {(400, "invalid_grant")}
    with context.use(world.tenant):
        assert UsedGrant.objects.count() == 1


@spec("ID-JAG", "4.4")
def test_fifty_first_redemptions_for_one_person_make_one_delegation(across):
    grants = [across.grant() for _ in range(MANY)]
    answers = at_once(MANY, lambda number: across.redeem(grants[number]))
    assert refusals(answers) == set()
    (delegation,) = across.standing(across.globex)
    assert {claims(each)["delegation_id"] for each in tokens(answers)} == {delegation.pk}
    assert [each.about_id for each in across.globex.entries("delegation.allowed")] == [delegation.pk]
    assert all(across.globex.is_active(each) for each in tokens(answers)[-5:])


@spec("ID-JAG", "4.3.3")
def test_fifty_first_issues_for_one_person_make_one_delegation(across):
    answers = at_once(MANY, lambda _: across.request())
    assert refusals(answers) == set()
    assert len(across.standing(across.acme)) == 1
    assert len({claims(each)["jti"] for each in tokens(answers)}) == MANY


@spec("ID-JAG", "9.3")
@pytest.mark.parametrize("is_first", [True, False])
def test_no_redemption_in_flight_outlives_the_end_at_acme(across, is_first):
    """Somebody ends it while nineteen redeem: the first of them, or while a delegation stands there already."""
    for pause in (0, 0.01, 0.03, 0.06):
        if not is_first:
            across.cross()
        grants = [across.grant() for _ in range(19)]
        answers = at_once(20, partial(_end_or_redeem, across, grants, pause), tenant=across.acme.tenant)
        found = [each for each in answers if each is not None]
        assert refusals(found) <= {(400, "invalid_grant")}
        assert not [each for each in across.standing(across.globex) if each.ended_at is None]
        assert not any(map(across.globex.is_active, tokens(found)))
        assert across.redeem(grants[0]).status_code == 400
        across.allow(everyone=True)
        domains.wait()


def _end_or_redeem(across, grants, pause, number):
    if number < len(grants):
        return across.redeem(grants[number])
    time.sleep(pause)
    (delegation,) = (each for each in across.standing(across.acme) if each.ended_at is None)
    token_actions.end_delegation(delegation, by=SYSTEM, reason="enough")
    return None


@spec("ID-JAG", "9.5")
@pytest.mark.parametrize("has_address", [False, True])
def test_fifty_first_arrivals_of_one_subject_make_one_member(world, wide, has_address):
    foreign, people = Foreign(), User.objects.count()
    domains.trust_foreign(world, foreign, mappings=["new_member"], email_domains=["new.example"])
    who = domains.presenter(world)
    said = {"email": f"{uuid.uuid4().hex}@new.example", "email_verified": True} if has_address else {}
    grants = [foreign.grant(world, who, sub="f-new", **said) for _ in range(MANY)]
    answers = at_once(MANY, lambda number: domains.present(world, who, grants[number]))
    assert refusals(answers) == set()
    assert len({claims(each)["sub"] for each in tokens(answers)}) == 1
    with context.use(world.tenant):
        assert SubjectLink.objects.filter(subject="f-new").count() == 1
        assert Membership.objects.count() == len(world.people) + 1
    assert User.objects.count() == people + 1
    assert len(world.entries("member.added")) == len(world.people) + 1
