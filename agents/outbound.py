"""Fetching for clients: `kit.fetch` under a budget per host that all processes share.

A host is asked so many times a minute, and left alone for longer after each failure in a row: one second, two, four,
up to ten minutes. Each step is a conditional UPDATE. Nothing of a failed answer is kept.
"""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from agents.models import OutboundHost
from kit import fetch
from kit.fetch import Development, Fetched, Unfetchable

WINDOW = timedelta(minutes=1)
LONGEST_PAUSE = 600


def fetch_json(url: str, *, limit: int) -> Fetched:
    """Return the JSON object at an https URL; raises Unfetchable, also when the host must be left alone for now."""
    if not fetch.is_fetchable(url):
        raise Unfetchable("not a URL that is fetched")
    authority = urlsplit(url).netloc.lower()
    _spend(authority, timezone.now())
    development = Development(frozenset(settings.FETCH_LOOPBACK_HOSTS), settings.FETCH_CA_FILE)
    try:
        fetched = fetch.fetch_json(url, limit=limit, development=development)
    except Unfetchable:
        _pause(authority, timezone.now())
        raise
    OutboundHost.objects.filter(authority=authority).exclude(failures=0).update(failures=0)
    return fetched


def _spend(authority: str, now: datetime) -> None:
    OutboundHost.objects.bulk_create(
        [OutboundHost(authority=authority, window_started_at=now, not_before=now)], ignore_conflicts=True
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
