"""How old a key becomes is the tenant's word, by algorithm; a person may be faster, and never too fast."""

from datetime import timedelta

import pytest
from django.conf import settings as product
from django.utils import timezone

from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenants
from tests.harness import crowd
from tokens import emergency, keys, rotation, timeline
from tokens.errors import KeyIsOver, NotKnownYet
from tokens.models import SigningKey

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.fixture
def clock(world):
    """Return a tick of the clock at a moment, and the states that it leaves."""
    start = timezone.now()

    def tick(ahead=timedelta(), algorithm="ES256"):
        with context.use(world.tenant):
            rotation.rotate_due(start + ahead, by=SYSTEM)
            return [key.status for key in SigningKey.objects.filter(algorithm=algorithm).order_by("pk")]

    tick.start = start
    return tick


def policy(world, **days):
    world.tenant = tenants.change_policy(world.tenant, by=SYSTEM, key_days=days)


@pytest.mark.parametrize(
    "said", [{"ES256": 0}, {"ES256": 366}, {"ES256": True}, {"ES256": "7"}, {"HS256": 7}, [7], {"ES256": None}]
)
def test_a_policy_that_cannot_hold_is_refused(world, said):
    with pytest.raises(ValueError):
        tenants.change_policy(world.tenant, by=SYSTEM, key_days=said)


def test_each_algorithm_has_days_of_its_own_and_the_default_where_none_are_said(world, clock):
    policy(world, RS256=7)
    clock()
    assert clock(7 * DAY - SECOND, "RS256") == ["active", "next"]
    assert clock(7 * DAY + SECOND, "RS256")[:2] == ["retired", "active"]
    assert clock(product.KEY_DAYS * DAY - SECOND) == ["active", "next"]
    assert clock(product.KEY_DAYS * DAY + SECOND)[:2] == ["retired", "active"]


def test_a_shorter_policy_reaches_the_key_that_is_published_and_a_longer_one_too(world, clock):
    clock()
    policy(world, ES256=2)
    assert clock(2 * DAY - SECOND) == ["active", "next"]
    policy(world, ES256=9)
    assert clock(8 * DAY) == ["active", "next"]
    policy(world, ES256=1)
    assert clock(8 * DAY)[:2] == ["retired", "active"]


def test_no_policy_lets_a_key_sign_that_was_not_published_for_a_day(world, clock):
    clock()
    with context.use(world.tenant):
        SigningKey.objects.filter(status="next").delete()
    policy(world, ES256=1)
    assert clock(5 * DAY) == ["active", "next"]
    assert clock(6 * DAY - SECOND) == ["active", "next"]
    assert clock(6 * DAY)[:2] == ["retired", "active"]


def test_a_person_may_rotate_once_everybody_knows_the_next_key(world, clock):
    clock()
    ready = clock.start + rotation.KNOWN_AFTER
    with context.use(world.tenant):
        with pytest.raises(NotKnownYet) as refusal:
            rotation.rotate_now("ES256", now=ready - SECOND, by=SYSTEM)
        assert refusal.value.ready_at == ready
        following = rotation.next_key("ES256")
        assert rotation.rotate_now("ES256", now=ready, by=SYSTEM).kid == following.kid
        assert keys.signer("ES256").kid == following.kid
    assert clock(ready - clock.start) == ["retired", "active", "next"]
    assert clock(ready - clock.start, "RS256") == ["active", "next"]
    told = [entry.event for entry in world.entries() if entry.about_id == following.pk]
    assert told == ["key.created", "key.activated"]


def test_where_no_next_key_is_published_nobody_rotates(world):
    with context.use(world.tenant), pytest.raises(NotKnownYet):
        rotation.rotate_now("ES256", now=timezone.now() + DAY, by=SYSTEM)


def test_a_tenant_that_has_no_active_key_gets_one_with_the_next_tick(world, clock):
    clock()
    with context.use(world.tenant):
        SigningKey.objects.filter(algorithm="ES256", status="active").delete()
        SigningKey.objects.filter(algorithm="RS256").delete()
    assert clock(SECOND) == ["active"]
    assert clock(2 * SECOND) == ["active", "next"]
    assert clock(2 * SECOND, "RS256") == ["active", "next"]


# --- at once


def _attempt(step):
    try:
        step()
    except (NotKnownYet, KeyIsOver):
        return 0
    return 1


def test_whoever_rotates_ends_and_ticks_at_once_leaves_one_active_key(world, clock):
    policy(world, ES256=1)
    clock()
    ready = clock.start + DAY  # Everybody's step is allowed now, and no key is so old that the clock destroys it.
    with context.use(world.tenant):
        old, following = rotation.active_key("ES256"), rotation.next_key("ES256")
    steps = [
        lambda: rotation.rotate_now("ES256", now=ready, by=SYSTEM),
        lambda: emergency.end(old, ready, by=SYSTEM, reason="it leaked"),
        lambda: emergency.end(following, ready, by=SYSTEM, reason="it leaked too"),
        lambda: rotation.rotate_due(ready, by=SYSTEM),
        lambda: emergency.end(old, ready, by=SYSTEM, reason="it leaked"),
    ]
    done = crowd.at_once(len(steps), lambda number: _attempt(steps[number]), tenant=world.tenant)
    assert done[1] + done[4] == done[2] == 1
    statuses = clock(DAY)
    assert statuses[:2] == ["compromised", "compromised"]
    assert (statuses.count("active"), statuses.count("next")) == (1, 1)
    assert len(world.entries("key.compromised")) == 2


# --- what comes next


def lives(world, now, algorithm="ES256"):
    with context.use(world.tenant):
        published = SigningKey.objects.filter(status__in=keys.PUBLISHED)
        return [each for each in timeline.ahead(published, now=now) if each.algorithm == algorithm]


def test_the_timeline_says_what_the_clock_then_does(world, clock):
    policy(world, ES256=7)
    clock()
    signing, following, after = lives(world, clock.start)
    turns = following.signs_at - clock.start
    assert (signing.retires_at, after.published_at) == (following.signs_at, following.signs_at)
    assert clock(turns - SECOND) == ["active", "next"]
    assert clock(turns) == ["retired", "active"]
    assert clock(turns) == ["retired", "active", "next"]
    assert clock(signing.gone_at - clock.start - SECOND) == ["retired", "active", "next"]
    assert clock(signing.gone_at - clock.start) == ["destroyed", "active", "next"]
    assert clock(after.signs_at - clock.start - SECOND) == ["destroyed", "active", "next"]
    assert clock(after.signs_at - clock.start) == ["destroyed", "retired", "active"]
    with context.use(world.tenant):
        made = SigningKey.objects.get(algorithm="ES256", status="active")
    assert (made.created_at, made.activate_at) == (after.published_at, after.signs_at)
    assert [each.kid for each in (signing, following, after)] != ["", "", ""]
    assert after.kid == ""


def test_another_policy_moves_the_timeline_before_the_clock_moves_a_key(world, clock):
    policy(world, ES256=30)
    clock()
    before = lives(world, clock.start)[1].signs_at
    policy(world, ES256=7)
    assert before - lives(world, clock.start)[1].signs_at == 23 * DAY
    clock()
    with context.use(world.tenant):
        following = SigningKey.objects.get(algorithm="ES256", status="next")
    assert following.activate_at == lives(world, clock.start)[1].signs_at


def test_the_timeline_of_a_tenant_whose_next_key_is_not_published_begins_now(world, clock):
    signing, following, _ = lives(world, clock.start)
    assert (signing.kid != "", following.kid, following.published_at) == (True, "", clock.start)
