"""Authority: never wider, never longer, ended as a whole, undone once, and said in words."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.principals import SYSTEM
from delegations import actions, rules
from delegations.errors import DelegationOver
from delegations.models import Delegation
from kit import context
from tests.harness import crowd

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
words = st.frozensets(st.sampled_from(["a:read", "a:write", "b:read", "b:write", "openid"]))
moments = st.integers(-3, 3).map(lambda hours: NOON + timedelta(hours=hours))


def _held(scopes, *, expires_at=None, ended_at=None, audience="https://a.example"):
    return Delegation(
        tenant_id="ten_1", scopes=sorted(scopes), expires_at=expires_at, ended_at=ended_at, audience=audience
    )


# --- judgement


@given(words, words, st.none() | moments, st.none() | moments, st.sampled_from(["https://a.example", "", "https://b"]))
def test_nothing_is_permitted_without_scope_after_the_end_or_elsewhere(held, wanted, expires_at, ended_at, audience):
    delegation = _held(held, expires_at=expires_at, ended_at=ended_at)
    permitted = rules.permits(delegation, audience=audience, scopes=wanted, now=NOON)
    alive = ended_at is None and (expires_at is None or expires_at > NOON)
    assert permitted == (alive and bool(wanted) and wanted <= held and audience == "https://a.example")


def test_a_delegation_is_over_in_the_second_in_which_it_expires():
    delegation = _held({"a:read"}, expires_at=NOON)
    assert not delegation.is_over(NOON - timedelta(microseconds=1))
    assert delegation.is_over(NOON)


@given(moments, st.integers(0, 60), st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Auckland", "America/New_York"]))
def test_the_choices_of_how_long_are_in_the_future_and_within_the_limit(now, longest, zone):
    choices = rules.durations(now, time_zone=zone, longest_days=longest)
    assert choices
    assert all(choice.ends_at > now for choice in choices)
    assert all(choice.ends_at <= now + timedelta(days=longest) for choice in choices) or len(choices) == 1
    default = rules.default_duration(choices, frozenset(), at_least=None)
    assert default in choices
    assert default.ends_at >= now + timedelta(hours=1)


# --- ending


trees = st.lists(st.integers(0, 10), max_size=12).map(lambda picks: [p % (i + 1) for i, p in enumerate(picks)])


def _plant(client, parents, dead):
    """Make a tree: node 0 is the root, node n+1 hangs on node parents[n]; the nodes in `dead` have ended already."""
    base = {"client": client, "subject": "usr_root", "scopes": ["events:read"], "origin": "admin"}
    nodes = [Delegation.objects.create(audience="https://root", **base)]
    for number, place in enumerate(parents, start=1):
        above = nodes[place]
        ended = timezone.now() if number in dead else None
        made = Delegation.objects.create(
            audience=f"https://{number}", parent=above, depth=above.depth + 1, ended_at=ended, **base
        )
        actions.hang(made, above.line)
        nodes.append(made)
    return nodes


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parents=trees, pick=st.integers(0, 30), dead=st.sets(st.integers(1, 12), max_size=3))
def test_ending_one_ends_everything_below_it_and_nothing_else(world, parents, pick, dead):
    with context.use(world.tenant):
        nodes = _plant(world.public_client().client, parents, dead)
        chosen = pick % len(nodes)
        now = timezone.now()
        before = set(Delegation.objects.live(now).values_list("pk", flat=True))
        with contextlib.suppress(DelegationOver):
            actions.revoke(nodes[chosen], by=SYSTEM, reason="test")
        after = set(Delegation.objects.live(now).values_list("pk", flat=True))
        below = {node.pk for node in nodes if nodes[chosen].pk in {above.pk for above in node.line}}
        assert after == before - below
        actions.revoke(nodes[0], by=SYSTEM, reason="clean") if chosen and nodes[0].pk in after else None


def test_ending_a_root_with_many_below_is_one_update_and_one_entry(world):
    parents = [0] * 10 + [place % 10 + 1 for place in range(300)]
    with context.use(world.tenant):
        nodes = _plant(world.public_client().client, parents, set())
        with CaptureQueriesContext(connection) as sent:
            actions.revoke(nodes[0], by=SYSTEM, reason="enough")
        assert not Delegation.objects.live(timezone.now()).filter(client=nodes[0].client).exists()
    written = [query["sql"].split()[0] for query in sent if query["sql"].startswith(("UPDATE", "INSERT", "DELETE"))]
    assert written == ["UPDATE", "INSERT"]
    assert len(world.entries("delegation.ended")) == 1


def test_ending_what_is_over_is_refused_and_writes_nothing(world, agree, alice):
    delegation = agree()
    with context.use(world.tenant):
        actions.revoke(delegation, by=alice, reason="once")
        with pytest.raises(DelegationOver):
            actions.revoke(delegation, by=alice, reason="twice")
    assert [entry.reason for entry in world.entries("delegation.ended")] == ["once"]


def test_two_who_end_one_delegation_at_once_end_it_once(world, agree):
    delegation = agree()

    def end(number):
        try:
            return bool(actions.revoke(delegation, by=SYSTEM, reason=str(number)))
        except DelegationOver:
            return 0

    assert sum(crowd.at_once(6, end, tenant=world.tenant)) == 1
    assert len(world.entries("delegation.ended")) == 1


# --- approving


def test_twenty_approvals_at_once_make_one_live_delegation_that_holds_all_of_them(world, agree):
    scopes = ("events:read", "events:write", "contacts:read")
    made = crowd.at_once(20, lambda number: agree([scopes[number % 3]]).pk)
    assert len(set(made)) == 1
    (delegation,) = world.delegations()
    assert delegation.scope_set == set(scopes)
    assert len(world.entries("delegation.allowed")) == 1
    assert len(world.entries("delegation.widened")) == 19


def test_approvals_at_two_resources_make_two_delegations(world, agree):
    crowd.at_once(6, lambda number: agree(["x"], server=(world.calendar, world.notes)[number % 2]).pk)
    assert {delegation.audience for delegation in world.delegations()} == {
        world.calendar.identifier,
        world.notes.identifier,
    }


def test_approving_and_ending_at_once_leaves_either_nothing_or_what_was_approved_last(world, agree):
    first = agree()

    def act(number):
        if number % 2:
            return agree().pk
        with contextlib.suppress(DelegationOver):
            actions.revoke(first, by=SYSTEM, reason="race")
        return ""

    crowd.at_once(8, act, tenant=world.tenant)
    live = [delegation for delegation in world.delegations() if not delegation.is_over(timezone.now())]
    assert len(live) <= 1
    assert first.pk not in {delegation.pk for delegation in live}


def test_a_further_approval_adds_scopes_and_its_time_is_the_latest_word(world, agree):
    first = agree(["events:read"], days=7)
    second = agree(["events:write"], days=1)
    assert second.pk == first.pk
    assert second.scope_set == {"events:read", "events:write"}
    assert second.expires_at < first.expires_at
    assert second.version > first.version


def test_what_expired_is_closed_in_the_ledger_before_it_is_approved_anew(world, agree):
    old = agree(days=-1)
    new = agree(["events:write"])
    assert new.pk != old.pk
    assert new.scope_set == {"events:write"}
    assert [entry.about_id for entry in world.entries("delegation.expired")] == [old.pk]


def test_what_was_extended_meanwhile_is_not_closed_as_expired(world, agree):
    delegation = agree(days=-1)
    with context.use(world.tenant):
        Delegation.objects.filter(pk=delegation.pk).update(expires_at=timezone.now() + timedelta(days=1))
        assert actions.expire(delegation, timezone.now()) == 0
    assert world.delegations()[0].ended_at is None
