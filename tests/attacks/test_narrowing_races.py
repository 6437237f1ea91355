"""Made smaller while others make it smaller, widen it or use it: one comes first, and nothing is wider afterwards."""

from functools import partial

import pytest

from audit.events import Event
from audit.principals import SYSTEM, Kind, Principal
from delegations.errors import DelegationWidened, TooLateToUndo
from delegations.models import Delegation
from delegations.rules import Limits
from kit import context
from tenants.errors import Stale
from tests.harness import chain as chains
from tests.harness import rush
from tests.harness.crowd import at_once
from tests.spec import spec
from tokens import narrowing

READ, WRITE, CONTACTS = "events:read", "events:write", "contacts:read"
HELPERS = 5


@pytest.fixture
def crowd(world):
    with rush.callers(world) as pool:
        yield pool


def smaller(delegation, *scopes, version=None, by=SYSTEM):
    with context.use(delegation.tenant):
        limits = Limits(frozenset(scopes))
        return narrowing.narrow_delegation(delegation, limits, by=by, reason="enough", version=version)


def many(world):
    """Return a chain whose first agent was allowed three scopes, and helpers of it that hold no part yet."""
    helpers = [world.helper(f"Hand {number}") for number in range(HELPERS)]
    return chains.make(world, 2, named=helpers, scope=f"{READ} {WRITE} {CONTACTS}"), helpers


def assert_within(world, root, crowd, tokens):
    """No part has more than what it hangs on, and no token is good for what was taken away."""
    with context.use(world.tenant):
        held = {each.pk: each for each in Delegation.objects.all()}
    assert held[root.pk].scope_set == {READ}
    for part in held.values():
        if part.parent_id and not part.ended_at:
            above = held[part.parent_id]
            assert part.scope_set <= above.scope_set
            assert part.expires_at <= above.expires_at
    reader = world.introspector()
    seen = list(crowd.map(partial(world.introspect, reader), tokens))
    assert {each.get("scope", "") for each in seen} <= {READ, ""}


@spec("RFC 9110", "13.1.1")
def test_of_many_who_make_it_smaller_at_once_one_does_and_the_others_are_told(world):
    chain = chains.make(world, 1, scope=f"{READ} {WRITE} {CONTACTS}")
    root = chain.delegation(0)

    def as_read(number):
        try:
            return smaller(root, READ, (WRITE, CONTACTS)[number % 2], version=root.version)
        except Stale:
            return None

    won = [each for each in at_once(6, as_read, tenant=world.tenant) if each is not None]
    assert len(won) == 1
    assert chain.delegation(0).scope_set == won[0].own.left.scopes
    assert len(world.entries(Event.DELEGATION_NARROWED)) == 1


@spec("RFC 9700", "2.3")
def test_of_two_who_take_different_things_away_unseen_the_second_gives_nothing_back(world):
    chain = chains.make(world, 1, scope=f"{READ} {WRITE} {CONTACTS}")
    root = chain.delegation(0)

    def unseen(number):
        try:
            return smaller(root, READ, (WRITE, CONTACTS)[number])
        except DelegationWidened:
            return None

    won = [each for each in at_once(2, unseen, tenant=world.tenant) if each is not None]
    assert len(won) == 1
    assert chain.delegation(0).scope_set == won[0].own.left.scopes


@spec("RFC 8693", "2.1")
def test_what_is_handed_on_for_the_first_time_meanwhile_is_no_wider_than_what_is_left(world, crowd):
    chain, helpers = many(world)
    root = chain.delegation(0)
    asks = [partial(world.exchange, each, chain.tokens[0]) for each in helpers]
    pending = [crowd.submit(ask) for ask in asks for _ in range(4)]
    smaller(root, READ)
    found = rush.answers(pending)
    assert {status for status, _ in rush.verdicts(found)} == {200}
    assert_within(world, root, crowd, rush.tokens(found))


@spec("RFC 8693", "2.1")
def test_nothing_is_minted_wider_after_it_was_made_smaller_and_no_part_is_widened_again(world, crowd):
    chain, helpers = many(world)
    chain.hand_on(scope=f"{READ} {WRITE}")
    root = chain.delegation(0)
    asks = [
        partial(world.exchange, chain.agents[1], chain.tokens[0], scope=f"{READ} {WRITE} {CONTACTS}"),
        partial(world.exchange, chain.agents[2], chain.tokens[1]),
        partial(world.exchange, chain.agents[0], chain.tokens[0]),
        *(partial(world.exchange, each, chain.tokens[0]) for each in helpers[:2]),
    ]
    seen = rush.around(world, crowd, asks, partial(smaller, root, READ))
    assert {each.json().get("scope", READ) for each in seen.after} == {READ}
    assert (400, "invalid_scope") in rush.verdicts(seen.after)
    assert {status for status, _ in rush.verdicts([*seen.during, *seen.after])} == {200, 400}
    assert_within(world, root, crowd, seen.tokens[-200:])


# --- taken back meanwhile


def taken_back(delegation, version=None):
    with context.use(delegation.tenant):
        return narrowing.put_back(delegation, by=SYSTEM, version=version)


@spec("RFC 9110", "13.1.1")
def test_of_many_who_take_it_back_at_once_one_does_and_the_others_are_told(world):
    chain = chains.handed_on(world, 2, scope=f"{READ} {WRITE} {CONTACTS}")
    root = chain.delegation(0)
    smaller(root, READ)

    def back(number):
        try:
            return taken_back(root)
        except TooLateToUndo:
            return None

    assert len([each for each in at_once(6, back, tenant=world.tenant) if each is not None]) == 1
    assert [chain.delegation(place).scope_set for place in range(3)] == [{READ, WRITE, CONTACTS}] * 3
    assert len(world.entries(Event.DELEGATION_PUT_BACK)) == 1


@spec("RFC 9110", "13.1.1")
@pytest.mark.parametrize("round_", range(3))
@pytest.mark.parametrize("by", ["the same person", "somebody else"])
def test_whoever_takes_it_back_while_it_is_made_smaller_still_gives_nothing_back_of_that(world, by, round_):
    chain = chains.handed_on(world, 1, scope=f"{READ} {WRITE} {CONTACTS}")
    root = chain.delegation(0)
    smaller(root, READ, WRITE)
    read = chain.delegation(0).version
    # Whoever made it smaller twice says what they read: they could take the later one back as well.
    seen, who = (read, SYSTEM) if by == "the same person" else (None, Principal(Kind.USER, world.people["ada"].pk))

    def either(number):
        try:
            return taken_back(root, seen) if number else smaller(root, READ, version=read, by=who)
        except (TooLateToUndo, Stale):
            return None

    cut, back = at_once(2, either, tenant=world.tenant)
    assert (cut is None) != (back is None)
    left = {READ} if cut else {READ, WRITE, CONTACTS}
    assert [chain.delegation(place).scope_set for place in range(2)] == [left, left]


@spec("RFC 8693", "2.1")
def test_what_is_handed_on_while_it_is_taken_back_is_never_wider_than_what_it_hangs_on(world, crowd):
    chain, helpers = many(world)
    root = chain.delegation(0)
    chain.hand_on(scope=f"{READ} {WRITE}")
    smaller(root, READ)
    asks = [partial(world.exchange, each, chain.tokens[0]) for each in helpers]
    pending = [crowd.submit(ask) for ask in asks for _ in range(4)]
    taken_back(root)
    assert {status for status, _ in rush.verdicts(rush.answers(pending))} == {200}
    with context.use(world.tenant):
        held = {each.pk: each for each in Delegation.objects.all()}
    parts = [each for each in held.values() if each.parent_id and not each.ended_at]
    assert len(parts) == HELPERS + 1
    assert all(each.scope_set <= held[each.parent_id].scope_set for each in parts)
    assert chain.delegation(1).scope_set == {READ, WRITE}
