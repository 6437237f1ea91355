"""Access that nobody uses: which it is, and its end where the tenant's policy says so.

Of what people allowed alone: what an organisation allows has its own end, and what was handed on ends with its root.
Allowing anew is a use, and so is having allowed. While the tenant is not served nobody can use anything: the days are
counted from its resumption.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from audit.principals import SYSTEM
from delegations.models import Delegation, DelegationQuerySet
from tenants import directory, pausing
from tokens import actions
from tokens.models import AccessToken

QUIET = timedelta(days=30)
BATCH, MOST = 100, 40
"""Ends in one turn of the clock: batches, each of so many transactions."""


def unused(since: datetime, *, now: datetime) -> DelegationQuerySet:
    """Return what lives, and was neither used nor allowed since a moment."""
    used = AccessToken.unscoped.filter(delegation=OuterRef("pk"), created__gte=since)
    agreed = Q(consent=None) | Q(consent__created_at__lt=since)
    mine = Delegation.objects.live(now).filter(origin=Delegation.Origin.CONSENT, parent=None, created_at__lt=since)
    return mine.filter(agreed, ~Exists(used))


def end_due(now: datetime) -> int:
    """End what nobody used for as long as the tenant's policy says; return how many ended."""
    days = directory.current().unused_days
    if not days or pausing.stood_still(now - timedelta(days=days)):
        return 0
    ended = 0
    for _ in range(MOST):
        due = list(unused(now - timedelta(days=days), now=now).order_by("pk").values_list("pk", flat=True)[:BATCH])
        done = sum(_end(delegation_id, days, now) for delegation_id in due)
        ended += done
        if len(due) < BATCH or not done:
            break
    return ended


@transaction.atomic
def _end(delegation_id: str, days: int, now: datetime) -> bool:
    """End one, unless it was used or ended since it was found.

    The row is held before it is judged: a mint in flight holds it too, so that its token is seen by what asks after.
    """
    held = Delegation.objects.select_for_update(no_key=True).filter(pk=delegation_id, ended_at=None).first()
    if held is None or not unused(now - timedelta(days=days), now=now).filter(pk=held.pk).exists():
        return False
    actions.end_delegation(held, by=SYSTEM, reason=f"nobody used it for {days} days")
    return True
