"""Undoing an end: by whoever ended it, within ten minutes, once, and with the limits that it had."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.principals import Kind, Principal
from delegations import actions, rules
from delegations.errors import TooLateToUndo
from delegations.models import Delegation
from kit import context
from tests.harness import crowd

LIMITS = (
    "subject", "member_id", "agent_id", "client_id", "resource_server_id", "audience", "scopes", "constraints",
    "expires_at", "origin", "consent_id", "parent_id",
)  # fmt: skip


def test_undoing_makes_a_new_delegation_with_the_limits_of_the_one_that_ended(world, agree, alice):
    ended = agree(["events:read", "events:write"])
    with context.use(world.tenant):
        actions.revoke(ended, by=alice, reason="")
        ended.refresh_from_db()
        restored = actions.undo(ended, by=alice)
    assert restored.pk != ended.pk
    assert restored.restored_from_id == ended.pk
    assert {name: getattr(restored, name) for name in LIMITS} == {name: getattr(ended, name) for name in LIMITS}
    assert restored.ended_at is None
    assert ended.ended_at is not None


def _undo(world, ended, by):
    with context.use(world.tenant):
        return actions.undo(Delegation.objects.get(pk=ended.pk), by=by)


def _change(world, delegation, **fields):
    with context.use(world.tenant):
        Delegation.objects.filter(pk=delegation.pk).update(**fields)


@pytest.fixture
def ended(world, agree, alice):
    delegation = agree()
    with context.use(world.tenant):
        actions.revoke(delegation, by=alice, reason="")
    return delegation


def test_nobody_else_can_undo(world, ended, alice):
    with pytest.raises(TooLateToUndo):
        _undo(world, ended, Principal(Kind.USER, world.people["bob"].pk))


def test_after_ten_minutes_nothing_is_undone(world, ended, alice):
    _change(world, ended, ended_at=timezone.now() - rules.UNDO - timedelta(seconds=1))
    with pytest.raises(TooLateToUndo):
        _undo(world, ended, alice)


def test_what_expired_meanwhile_is_not_undone(world, ended, alice):
    _change(world, ended, expires_at=timezone.now())
    with pytest.raises(TooLateToUndo):
        _undo(world, ended, alice)


def test_what_was_allowed_anew_is_not_undone_beside_it(world, ended, agree, alice):
    agree()
    with pytest.raises(TooLateToUndo):
        _undo(world, ended, alice)


def test_an_end_is_undone_once_so_that_it_cannot_undo_an_admins(world, ended, alice):
    restored = _undo(world, ended, alice)
    with context.use(world.tenant):
        actions.revoke(restored, by=Principal(Kind.USER, world.people["ada"].pk), reason="stop")
    with pytest.raises(TooLateToUndo):
        _undo(world, ended, alice)
    assert all(delegation.ended_at for delegation in world.delegations())


def test_what_hangs_on_an_ended_delegation_is_not_undone(world, ended, agree, alice):
    parent = agree(server=world.notes)
    _change(world, ended, parent=parent, depth=1)
    with context.use(world.tenant):
        actions.hang(ended, [parent])
    _change(world, parent, ended_at=timezone.now(), ended_by="system")
    with pytest.raises(TooLateToUndo):
        _undo(world, ended, alice)


def test_a_part_that_is_restored_hangs_where_it_hung(world, ended, agree, alice):
    parent = agree(server=world.notes)
    _change(world, ended, parent=parent, depth=1)
    with context.use(world.tenant):
        actions.hang(ended, [parent])
    restored = _undo(world, ended, alice)
    with context.use(world.tenant):
        assert [above.pk for above in restored.line] == [restored.pk, parent.pk]


def test_two_undos_at_once_make_one_delegation(world, ended, alice):
    def undo(number):
        try:
            return _undo(world, ended, alice).pk
        except TooLateToUndo:
            return None

    assert len([pk for pk in crowd.at_once(4, undo) if pk]) == 1
