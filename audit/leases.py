"""One holder at a time for a job of the clock, decided by the database.

A lease lasts for seconds, and whoever works on renews it between two tenants; whoever finds it taken stops there. A
holder gives it back when it ends, however it ends: one that never did was killed, or stands still, and whoever finds
that out (the next holder, or the clock's pulse) leaves a dead letter of it, once.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta

from celery import current_task
from django.conf import settings
from django.db import IntegrityError, close_old_connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit import letters
from audit.models import Lease

NOBODY = ""
LOST = timedelta(minutes=10)
"""After so long nobody works under a lease that is over: no job may take longer (`audit.jobs`)."""


class NeverEnded(Exception):
    """A run that held a lease did not give it back."""


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
    holder = _this_run()
    until = timezone.now() + timedelta(seconds=seconds)
    mine = _take(name, holder, seconds)
    token = _held.set(_Held(name, holder, seconds, until) if mine else None)
    try:
        yield mine
    finally:
        _held.reset(token)
        if mine:
            _leases().filter(name=name, holder=holder).update(holder=NOBODY, until=timezone.now())


def keep() -> bool:
    """Renew the lease that this run holds, once half of it is over; False where somebody else took it meanwhile."""
    mine, now = _held.get(), timezone.now()
    if mine is None or now < mine.until - timedelta(seconds=mine.seconds) / 2:
        return True
    mine.until = now + timedelta(seconds=mine.seconds)
    return bool(_leases().filter(name=mine.name, holder=mine.holder).update(until=mine.until))


def give_back(run: str) -> None:
    """Let others take what a run holds that was killed; whoever killed it has told operators."""
    _leases().filter(holder__startswith=f"{run}:").update(holder=NOBODY, until=timezone.now())


def tell_of_lost(now: datetime) -> None:
    """Leave a dead letter of each run that never ended, and that no other followed yet."""
    for lease in _leases().exclude(holder=NOBODY).filter(until__lte=now - LOST):
        if _leases().filter(name=lease.name, holder=lease.holder, until=lease.until).update(holder=NOBODY):
            letters.keep(lease.name, NeverEnded())


def _take(name: str, holder: str, seconds: int) -> bool:
    now = timezone.now()
    until = now + timedelta(seconds=seconds)
    last = _leases().filter(name=name).first()
    if last is None:
        return _make(name, holder, until)
    taken = _leases().filter(name=name, holder=last.holder, until__lte=now).update(holder=holder, until=until)
    if taken and last.holder != NOBODY:
        letters.keep(name, NeverEnded())
    return bool(taken)


def _make(name: str, holder: str, until: datetime) -> bool:
    try:
        with transaction.atomic(using=settings.OPERATOR_ALIAS):
            Lease.objects.using(settings.OPERATOR_ALIAS).create(name=name, holder=holder, until=until)
    except IntegrityError:
        return False  # Another run made it.
    return True


def _this_run() -> str:
    """Return the message that is worked on, and what tells this run from another delivery of it."""
    return f"{current_task.request.id if current_task else ''}:{secrets.token_hex(8)}"


def _leases() -> QuerySet[Lease]:
    return Lease.objects.using(settings.OPERATOR_ALIAS)
