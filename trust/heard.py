"""How often issuers' assertions were taken of late, and how often refused: from the ledger, in one question for all."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from audit.events import Event
from audit.models import Entry
from kit import identifiers
from trust.models import TrustedIssuer

TAKEN, REFUSED = Event.TOKEN_ISSUED.value, Event.TOKEN_REFUSED.value
SPAN = timedelta(hours=24)
MOST = 10_000
"""Entries that are counted, newest first: of a tenant with more it is said that there are more."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of one issuer's assertions; `is_all` says whether all of them were counted."""

    taken: int
    refused: int
    is_all: bool = True


NOTHING = Heard(0, 0)


def lately(now: datetime, *, most: int = MOST) -> Mapping[str, Heard]:
    """Return what became of assertions in the last SPAN, by the issuer's id; who presented none is not in it."""
    found = list(entries(now).order_by("-pk").values_list("detail__issuer", "event")[: most + 1])
    counted, is_all = Counter(found[:most]), len(found) <= most
    return {issuer: Heard(counted[issuer, TAKEN], counted[issuer, REFUSED], is_all) for issuer, _ in counted}


def entries(now: datetime) -> "QuerySet[Entry]":
    """Return what was told of assertions in the last SPAN."""
    since = identifiers.at("evt", now - SPAN)
    return Entry.objects.filter(event__in=(TAKEN, REFUSED), detail__has_key="issuer", pk__gte=since)


def claimed(issuer: object) -> str:
    """Return the id of the issuer, on or off, from which something claims to be; "" where none is registered."""
    if not isinstance(issuer, str) or "\x00" in issuer:
        return ""
    found = TrustedIssuer.objects.filter(issuer=issuer, removed_at=None)
    return found.values_list("pk", flat=True).first() or ""
