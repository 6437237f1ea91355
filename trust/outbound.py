"""Fetching from strangers: `kit.fetch` under a budget per host that all processes share.

A host is asked so many times a minute, and left alone for longer after each failure in a row: one second, two, four,
up to ten minutes. Each step is a conditional UPDATE. Nothing of a failed answer is kept.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from kit import fetch, turns
from kit.fetch import Answered, Development, Fetched, Message, Missing, Unfetchable
from tenants.errors import Unusable
from trust.models import OutboundHost

Got = TypeVar("Got")
WINDOW = timedelta(minutes=1)
LONGEST_PAUSE = 600
_looking: set[str] = set()
_lock = threading.Lock()


@contextmanager
def looking(who: str) -> Iterator[None]:
    """Let somebody look at a host that they chose: one look of theirs at a time, in places that hold up nobody else.

    In each process, for it is the process that waits. Raises Unusable where they are looking already.
    """
    with _lock:
        if who in _looking:
            raise Unusable(_("A server is being asked for you already. Wait for its answer."))
        _looking.add(who)
    try:
        with turns.aside():
            yield
    finally:
        with _lock:
            _looking.discard(who)


def fetch_json(url: str, *, limit: int, may_be_missing: bool = False, authorization: str = "") -> Fetched:
    """Return the JSON object at an https URL; raises Unfetchable, also when the host must be left alone for now.

    Where a document may well be elsewhere on the same host, that it is not here is no failure of the host.
    """
    return _within_budget(
        url,
        lambda development: fetch.fetch_json(url, limit=limit, authorization=authorization, development=development),
        may_be_missing,
    )


def post_form(url: str, form: bytes, *, limit: int, authorization: str = "") -> Fetched:
    """Send a form to an https URL and return the JSON object that answers it; raises Unfetchable.

    That the answer is a refusal of this one form is no failure of the host.
    """
    return _within_budget(
        url,
        lambda development: fetch.post_form(
            url, form, limit=limit, authorization=authorization, development=development
        ),
        may_be_missing=True,
    )


def look(url: str, *, authorization: str = "") -> Answered:
    """Return how an https URL answers, whatever that is; raises Unfetchable where nothing does."""
    return _within_budget(
        url,
        lambda development: fetch.look(url, authorization=authorization, development=development),
        may_be_missing=False,
    )


def post(url: str, body: bytes, *, headers: Mapping[str, str]) -> int:
    """Send a body to an https URL and return the status that answers it; raises Unfetchable where none does."""
    return _within_budget(
        url, lambda development: fetch.post(url, body, headers=headers, development=development), may_be_missing=False
    )


def post_json(url: str, body: bytes, *, limit: int, headers: Mapping[str, str]) -> Message:
    """Send a JSON-RPC message to an https URL and return what answers it; raises Unfetchable where nothing does."""
    return _within_budget(
        url,
        lambda development: fetch.post_json(url, body, limit=limit, headers=headers, development=development),
        may_be_missing=True,
    )


def fetch_text(url: str, *, limit: int) -> bytes:
    """Return the document in JSON, YAML or plain text at an https URL; raises Unfetchable."""
    return _within_budget(
        url, lambda development: fetch.fetch_text(url, limit=limit, development=development), may_be_missing=True
    )


def fetch_image(url: str, *, limit: int) -> bytes:
    """Return what lies at an https URL as a picture, of which nothing is believed; raises Unfetchable."""
    return _within_budget(
        url, lambda development: fetch.fetch_image(url, limit=limit, development=development), may_be_missing=True
    )


def _within_budget(url: str, get: Callable[[Development], Got], may_be_missing: bool) -> Got:
    if not fetch.is_fetchable(url):
        raise Unfetchable("not a URL that is fetched")
    authority = urlsplit(url).netloc.lower()
    _spend(authority, timezone.now())
    try:
        got = get(Development(frozenset(settings.FETCH_LOOPBACK_HOSTS), settings.FETCH_CA_FILE))
    except Unfetchable as error:
        if not (may_be_missing and isinstance(error, Missing)):
            _pause(authority, timezone.now())
        raise
    OutboundHost.objects.filter(authority=authority).exclude(failures=0).update(failures=0)
    return got


def _spend(authority: str, now: datetime) -> None:
    # Free for longer already: of many that come first at once, one that looked at the clock earlier may be later here.
    OutboundHost.objects.bulk_create(
        [OutboundHost(authority=authority, window_started_at=now, not_before=now - WINDOW)], ignore_conflicts=True
    )
    free = OutboundHost.objects.filter(authority=authority, not_before__lte=now)
    fresh = free.filter(window_started_at__lte=now - WINDOW).update(window_started_at=now, fetches=1)
    within = Q(fetches__lt=settings.FETCHES_PER_MINUTE)
    if not fresh and not free.filter(within).update(fetches=F("fetches") + 1):
        raise Unfetchable(f"{authority} is left alone for now")


def _pause(authority: str, now: datetime) -> None:
    row = OutboundHost.objects.filter(authority=authority).first()
    failures = row.failures if row else 0
    pause = min(2**failures, LONGEST_PAUSE)
    OutboundHost.objects.filter(authority=authority, failures=failures).update(
        failures=F("failures") + 1, not_before=now + timedelta(seconds=pause)
    )
