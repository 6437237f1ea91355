"""One holder at a time for a job of the clock, decided by the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import close_old_connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.models import Lease
from kit import identifiers


@contextmanager
def held(name: str, *, seconds: int = 60) -> Iterator[bool]:
    """Yield whether this run holds the lease; a holder that dies loses it after `seconds`."""
    # A job may be the first thing that happens after the database went away: nobody else looks at connections here.
    close_old_connections()
    holder = identifiers.make("lea")
    mine = _take(name, holder, seconds)
    try:
        yield mine
    finally:
        if mine:
            _leases().filter(name=name, holder=holder).update(until=timezone.now())


def _take(name: str, holder: str, seconds: int) -> bool:
    now = timezone.now()
    until = now + timedelta(seconds=seconds)
    with transaction.atomic(using=settings.OPERATOR_ALIAS):
        made = Lease.objects.using(settings.OPERATOR_ALIAS).bulk_create(
            [Lease(name=name, holder=holder, until=until)], ignore_conflicts=True
        )
    taken = _leases().filter(name=name, until__lte=now).update(holder=holder, until=until)
    return bool(taken) or (bool(made) and _leases().filter(name=name, holder=holder).exists())


def _leases() -> QuerySet[Lease]:
    return Lease.objects.using(settings.OPERATOR_ALIAS)
