"""Asking a person to renew what they allowed: a letter that leads to the page where they decide, once a day at most."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit.events import Event
from audit.principals import Principal
from delegations.actions import note
from delegations.errors import AskedToday, NotRenewable
from delegations.models import Delegation

AGAIN = timedelta(days=1)


def is_renewable(delegation: Delegation, *, now: datetime) -> bool:
    """Say whether its person could allow it anew at all: it is theirs, it lives, and it has an end."""
    is_theirs = delegation.origin == Delegation.Origin.CONSENT and delegation.depth == 0
    return is_theirs and delegation.expires_at is not None and not delegation.is_over(now)


def may_ask(delegation: Delegation, *, now: datetime) -> bool:
    """Say whether its person may be asked now: nobody asked them within a day."""
    last = delegation.renewal_asked_at
    return is_renewable(delegation, now=now) and (last is None or now - last >= AGAIN)


@transaction.atomic
def ask(delegation: Delegation, *, by: Principal) -> datetime:
    """Ask its person to renew a delegation; return when. Nothing of it changes. Raises NotRenewable or AskedToday."""
    now = timezone.now()
    if not is_renewable(delegation, now=now):
        raise NotRenewable
    # Of two who ask at once one does.
    due = Q(renewal_asked_at=None) | Q(renewal_asked_at__lte=now - AGAIN)
    if not Delegation.objects.get_queryset().filter(due, pk=delegation.pk, ended_at=None).update(renewal_asked_at=now):
        raise AskedToday(delegation.pk)
    note(Event.DELEGATION_RENEWAL_ASKED, delegation, by=by)
    return now
