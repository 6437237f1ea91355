"""What a person just ended and may take back: which of it, and all that they ended at once."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from audit.principals import Principal
from delegations import actions
from delegations.errors import IssuerRemoved, TooLateToUndo
from delegations.models import Delegation, DelegationQuerySet
from delegations.rules import UNDO
from tenants.models import Membership

ALL_AT_ONCE = "ended by the person, all at once"
"""The reason where people end all of theirs."""


def undoable(member: Membership, *, now: datetime) -> DelegationQuerySet:
    """Return what this person ended of their own and may take back, the latest first.

    Neither what is over by its end, nor what was taken back, nor what was allowed anew since, nor what came through an
    issuer that was removed.
    """
    same = {name: OuterRef(name) for name in ("subject", "client", "audience", "origin")}
    again = Delegation.objects.filter(**same, parent=None, ended_at=None)
    ended = Delegation.objects.of(member).filter(ended_by=member.pk, ended_at__gte=now - UNDO)
    fresh = ended.filter(Q(expires_at=None) | Q(expires_at__gt=now))
    hangs = fresh.filter(Q(parent=None) & ~Exists(again) | Q(parent__ended_at=None, parent__isnull=False))
    was_undone = Delegation.objects.filter(restored_from=OuterRef("pk"))
    return hangs.filter(~Exists(was_undone), issuer__removed_at=None).order_by("-ended_at", "-pk")


@transaction.atomic
def undo_all(member: Membership, *, by: Principal) -> tuple[int, int]:
    """Take back what a person ended all at once, as far as each may be; return how many were, and how many not."""
    restored = missed = 0
    for delegation in undoable(member, now=timezone.now()).filter(ended_reason=ALL_AT_ONCE):
        try:
            actions.undo(delegation, by=by)
        except (IssuerRemoved, TooLateToUndo):
            missed += 1
        else:
            restored += 1
    return restored, missed
