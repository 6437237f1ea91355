"""One holder at a time for a job of the clock, decided by the database.

A lease lasts for seconds, and whoever works on renews it between two tenants; whoever finds it taken stops there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import close_old_connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.models import Lease
from kit import identifiers


@dataclass(slots=True)
class _Held:
    """The lease that this run holds."""

    name: str
    holder: str
    seconds: int
    until: datetime


_held: ContextVar[_Held | None] = ContextVar("lease", default=None)


@contextmanager
def held(name: str, *, seconds: int = 60) -> Iterator[bool]:
    """Yield whether this run holds the lease; a holder that dies loses it after `seconds`."""
    # A job may be the first thing that happens after the database went away: nobody else looks at connections here.
    close_old_connections()
    holder = identifiers.make("lea")
    until = timezone.now() + timedelta(seconds=seconds)
    mine = _take(name, holder, seconds)
    token = _held.set(_Held(name, holder, seconds, until) if mine else None)
    try:
        yield mine
    finally:
        _held.reset(token)
        if mine:
            _leases().filter(name=name, holder=holder).update(until=timezone.now())


def keep() -> bool:
    """Renew the lease that this run holds, once half of it is over; False where somebody else took it meanwhile."""
    mine, now = _held.get(), timezone.now()
    if mine is None or now < mine.until - timedelta(seconds=mine.seconds) / 2:
        return True
    mine.until = now + timedelta(seconds=mine.seconds)
    return bool(_leases().filter(name=mine.name, holder=mine.holder).update(until=mine.until))


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
