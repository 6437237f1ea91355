"""Owners who leave, and agents that ended: what the clock does of it, at which moment, and once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents import actions as agent_actions
from agents import lifecycle, owners
from agents.errors import NotActive, Ownerless
from agents.models import Agent, CoOwner
from agents.rules import RESTORABLE
from audit.principals import Kind, Principal
from kit import context
from tenants import actions as tenant_actions
from tests.harness import crowd
from tokens import stops

pytestmark = pytest.mark.walks

GRACE = timedelta(days=14)
DAY = timedelta(days=1)
A_PERSON = Principal(Kind.USER, "usr_x", "Somebody")


@pytest.fixture
def agent(world):
    """An agent of bob's."""
    with context.use(world.tenant):
        return Agent.objects.create(name="Scout", owner=world.people["bob"])


def now_of(world, agent):
    with context.use(world.tenant):
        return Agent.objects.get(pk=agent.pk)


def tick(world, now):
    """Let the clock pass once, in the order of its worst luck: who is to be paused before who follows."""
    with context.use(world.tenant):
        paused = [stops.pause_alone(each) for each in owners.alone_due(now)]
        return sum(paused) + owners.settle_due(now)


def leave(world, name="bob", *, how="membership"):
    if how == "membership":
        world.rewrite(world.people[name], status="suspended")
    else:
        user = world.people[name].user
        type(user).objects.filter(pk=user.pk).update(is_active=False)


def story(world):
    return [each.event for each in world.entries() if each.about_kind == "agent"]


@pytest.mark.parametrize("how", ["membership", "account"])
def test_an_owner_who_leaves_is_noticed_once_and_followed_when_the_grace_is_over(world, agent, how):
    world.rewrite(agent, successor=world.people["alice"])
    start = timezone.now()
    assert tick(world, start) == 0
    leave(world, how=how)
    assert [tick(world, start), tick(world, start), tick(world, start + GRACE - DAY)] == [1, 0, 0]
    noticed = now_of(world, agent)
    assert (noticed.owner_id, noticed.owner_left_at, noticed.status) == (world.people["bob"].pk, start, "active")
    (entry,) = world.entries("agent.owner_left")
    assert entry.detail == {"owner": world.people["bob"].pk, "until": (start + GRACE).isoformat()}
    assert [tick(world, start + GRACE), tick(world, start + GRACE)] == [1, 0]
    followed = now_of(world, agent)
    assert (followed.owner_id, followed.successor_id) == (world.people["alice"].pk, None)
    assert (followed.owner_left_at, followed.status) == (None, "active")
    assert story(world) == ["agent.owner_left", "agent.owner_followed"]


@pytest.mark.parametrize("successor", [None, "alice"])
def test_where_nobody_who_is_here_follows_the_agent_is_paused_when_the_grace_is_over(world, agent, successor):
    if successor:
        world.rewrite(agent, successor=world.people[successor])
        leave(world, successor)
    start = timezone.now()
    leave(world)
    assert [tick(world, start), tick(world, start + GRACE - DAY)] == [1, 0]
    assert [tick(world, start + GRACE), tick(world, start + GRACE)] == [1, 0]
    assert now_of(world, agent).status == "suspended"
    assert story(world) == ["agent.owner_left", "agent.suspended"]
    with context.use(world.tenant), pytest.raises(Ownerless):
        agent_actions.resume_agent(agent, by=A_PERSON)
    assert now_of(world, agent).status == "suspended"


def test_a_further_owner_steps_up_at_once(world, agent):
    with context.use(world.tenant):
        CoOwner.objects.create(agent=agent, member=world.people["alice"])
    leave(world)
    assert [tick(world, timezone.now()), tick(world, timezone.now() + GRACE)] == [1, 0]
    assert now_of(world, agent).owner_id == world.people["alice"].pk
    with context.use(world.tenant):
        assert not CoOwner.objects.exists()


def test_an_owner_who_comes_back_in_time_is_owner_as_before(world, agent):
    start = timezone.now()
    leave(world)
    tick(world, start)
    world.rewrite(world.people["bob"], status="active")
    assert [tick(world, start + GRACE), tick(world, start + GRACE)] == [1, 0]
    assert now_of(world, agent).owner_left_at is None
    assert story(world) == ["agent.owner_left", "agent.owner_back"]


def test_a_tenant_says_how_long_the_grace_is(world, agent):
    world.tenant = tenant_actions.change_policy(world.tenant, by=A_PERSON, owner_grace_days=2)
    start = timezone.now()
    leave(world)
    assert [tick(world, start), tick(world, start + DAY), tick(world, start + 2 * DAY)] == [1, 0, 1]
    with pytest.raises(ValueError, match="0 to 365"):
        tenant_actions.change_policy(world.tenant, by=A_PERSON, owner_grace_days=366)


def test_four_clocks_at_once_take_each_step_once(world, agent):
    start = timezone.now()
    leave(world)
    for moment in (start, start + GRACE):
        due = {agent.pk: now_of(world, agent)}
        moved = crowd.at_once(4, lambda _, moment=moment: tick(world, moment), tenant=world.tenant)
        assert sum(moved) == 1, due
    assert story(world) == ["agent.owner_left", "agent.suspended"]


def test_whom_an_admin_gives_a_new_owner_at_the_last_moment_is_not_paused(world, agent):
    start = timezone.now()
    leave(world)
    tick(world, start)
    with context.use(world.tenant):
        (stale,) = owners.alone_due(start + GRACE)
        owners.change_agent(stale, by=A_PERSON, owner=world.people["ada"])
        assert not stops.pause_alone(stale)
    assert now_of(world, agent).status == "active"


# --- thirty days


def test_an_ended_agent_is_over_for_good_after_thirty_days_once_and_its_rows_stay(world):
    scout = world.secret_client()
    world.grant(scout)
    with context.use(world.tenant):
        stops.retire_agent(scout.client.agent, by=A_PERSON, reason="no longer needed")
        ended = Agent.objects.get(pk=scout.client.agent_id)
        later = ended.retired_at + RESTORABLE
        assert not stops.end_for_good(ended, now=later - timedelta(seconds=1))
        done = crowd.at_once(3, lambda _: stops.end_for_good(ended, now=later), tenant=world.tenant)
        assert sorted(done) == [False, False, True]
        assert not lifecycle.over_due(later).exists()
        scout.client.refresh_from_db()
        assert (scout.client.status, scout.client.client_secret, scout.client.jwks) == ("disabled", "", {})
    (delegation,) = world.delegations()
    assert (delegation.ended_by, delegation.ended_reason) == ("system", lifecycle.OVER)
    assert len(world.entries("agent.ended_for_good")) == len(world.entries("delegation.ended")) == 1


@pytest.mark.parametrize(
    ("before", "after"), [("active", "active"), ("suspended", "suspended"), ("pending", "pending")]
)
def test_within_thirty_days_an_agent_comes_back_as_it_was(world, agent, before, after):
    world.rewrite(agent, status=before)
    with context.use(world.tenant):
        lifecycle.retire_agent(agent, by=A_PERSON, reason="a mistake")
        lifecycle.restore_agent(agent, by=A_PERSON)
        assert Agent.objects.get(pk=agent.pk).status == after
        with pytest.raises(NotActive):
            lifecycle.restore_agent(agent, by=A_PERSON)


def test_after_thirty_days_or_where_nobody_owns_it_nothing_brings_it_back(world, agent):
    with context.use(world.tenant):
        lifecycle.retire_agent(agent, by=A_PERSON, reason="why")
    leave(world)
    with context.use(world.tenant), pytest.raises(Ownerless):
        lifecycle.restore_agent(agent, by=A_PERSON)
    world.rewrite(world.people["bob"], status="active")
    world.rewrite(agent, retired_at=timezone.now() - RESTORABLE)
    with context.use(world.tenant), pytest.raises(NotActive):
        lifecycle.restore_agent(agent, by=A_PERSON)
    assert now_of(world, agent).status == "retired"
