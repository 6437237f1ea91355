"""Who fetches the key set: noted beside the answer, once a minute for each, and so coarsely that nobody is found by it.

A key set is public and asked for by nobody in particular: a fetcher is a program in a network. What stands in a cache
on the way is not seen. A failure to note is never a failure to answer.
"""

import re
from datetime import datetime, timedelta
from itertools import count

import structlog
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, QuerySet, Value
from django.db.models.functions import Greatest

from kit import context
from kit.addresses import network
from kit.caching import TtlCache
from tokens.models import KeyFetch, SigningKey

EVERY = timedelta(minutes=1)
MOST = 200
"""Fetchers that are known of a tenant: whoever makes up more names of programs is not noted."""
NOTES = 100
"""What one process notes for a tenant in a minute."""
KEPT = timedelta(days=30)
_PROGRAM = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}(?:/[A-Za-z0-9.+-]{1,19})?")
_noted: TtlCache[tuple[str, str, str], bool] = TtlCache(ttl=EVERY.total_seconds())
_budgets: TtlCache[str, "count[int]"] = TtlCache(ttl=EVERY.total_seconds())
_log = structlog.get_logger("tokens.fetchers")


def note(address: str, user_agent: str, *, now: datetime) -> None:
    """Keep in mind that somebody fetched the current tenant's key set."""
    tenant, who = context.require_id(), (program(user_agent), network(address))
    _noted.get((tenant, *who), lambda: _write(tenant, *who, now))


def program(user_agent: str) -> str:
    """Return the first product of a User-Agent, as far as it is one."""
    found = _PROGRAM.match(user_agent)
    return found[0] if found else "unnamed"


def seen(now: datetime) -> "QuerySet[KeyFetch]":
    """Return who fetched the current tenant's key set within the month, the latest first."""
    return KeyFetch.objects.filter(last_at__gt=now - KEPT).order_by("-last_at", "pk")


def has(fetch: KeyFetch, key: SigningKey) -> bool:
    """Say whether somebody fetched the key set after a key was published."""
    return fetch.last_at > key.created_at


def forget_all() -> None:
    """Drop what this process keeps."""
    _noted.clear()
    _budgets.clear()


def _write(tenant: str, program: str, network: str, now: datetime) -> bool:
    budget = _budgets.get(tenant, count)
    if budget is None or next(budget) >= NOTES:
        return True
    try:
        _note(program, network, now)
    except DatabaseError:
        _log.warning("a fetch was not noted", exc_info=True)
    return True


def _note(program: str, network: str, now: datetime) -> None:
    mine = KeyFetch.objects.filter(program=program, network=network)
    pause = ExpressionWrapper(Value(now, DateTimeField()) - F("last_at"), output_field=DurationField())
    came = mine.filter(last_at__lte=now - EVERY)
    if came.update(longest_pause=Greatest("longest_pause", pause), last_at=now) or mine.exists():
        return
    if KeyFetch.objects.count() >= MOST:
        return
    try:
        with transaction.atomic():
            KeyFetch.objects.create(program=program, network=network, first_at=now, last_at=now)
    except IntegrityError:
        return  # Another process was first.
