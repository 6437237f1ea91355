"""What is over and nobody will ask for again: removed by the clock in batches, each found by an index.

The ledger keeps that it was there. A used code stays for a day, so that its replay is seen; an access token for ninety
days, because pages say when access was last used, and its newest as long as what it hangs on lives.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from delegations.models import Delegation
from kit import identifiers
from tenants import clock
from tokens import fetchers
from tokens.models import (
    AccessToken,
    AuthorizationCode,
    AuthorizationRequest,
    Deferral,
    DeviceGrant,
    KeyFetch,
    RefreshToken,
)

KEPT = timedelta(days=1)
TOKENS_KEPT = timedelta(days=90)
_PREFIXES = ("tok", "jag")


def forget(now: datetime) -> int:
    """Remove what is over in the current tenant; return how many rows."""
    return sum(clock.forget(rows) for rows in due(now))


def due(now: datetime) -> "Iterator[QuerySet[Any]]":
    """Return, one after the other, what may be removed."""
    yield codes(now)
    yield from (tokens(now, prefix) for prefix in _PREFIXES)
    yield families(now)
    yield fetches(now)


def requests(now: datetime) -> "QuerySet[AuthorizationRequest]":
    """Return authorization requests that nobody can decide any more."""
    return AuthorizationRequest.objects.filter(expires__lt=now - KEPT).order_by("expires")


def devices(now: datetime) -> "QuerySet[DeviceGrant]":
    """Return requests of devices that nobody can decide or redeem any more."""
    return DeviceGrant.objects.filter(expires__lt=now - KEPT).order_by("expires")


def deferrals(now: datetime) -> "QuerySet[Deferral]":
    """Return requests that wait no more, answered or not."""
    return Deferral.objects.filter(expires__lt=now - KEPT).order_by("expires")


def families(now: datetime) -> "QuerySet[RefreshToken]":
    """Return families that nobody could have used for ninety days, and that nothing hangs on.

    One that somebody ended as a place stays while its agent acts for the same person: a consent from before that is
    not remembered (`tokens.installations.was_ended_since`).
    """
    cut = now - TOKENS_KEPT - timedelta(days=settings.REFRESH_IDLE_DAYS)
    # As for tokens: the primary key finds the old ones, and no refresh pays for an index of when it moved last.
    old = RefreshToken.objects.filter(pk__gte="rtf_", pk__lt=identifiers.at("rtf", cut), rotated_at__lt=cut)
    used = [model.unscoped.filter(family=OuterRef("pk")) for model in (AccessToken, AuthorizationCode, DeviceGrant)]
    acts = Delegation.unscoped.filter(client=OuterRef("client"), subject=OuterRef("subject"), ended_at=None)
    free = old.filter(*(~Exists(rows) for rows in used))
    return free.filter(Q(ended_by="") | ~Exists(acts)).order_by("pk")


def codes(now: datetime) -> "QuerySet[AuthorizationCode]":
    """Return codes, used or not, whose replay need not be told apart from a stranger's any more."""
    return AuthorizationCode.objects.filter(expires__lt=now - KEPT).order_by("expires")


def tokens(now: datetime, prefix: str) -> "QuerySet[AccessToken]":
    """Return tokens that expired long ago, from which nothing was exchanged that is still there."""
    cut = now - TOKENS_KEPT
    # Their ids begin with the time: the primary key finds them, and no token pays for an index of its own.
    old = AccessToken.objects.filter(
        pk__gte=f"{prefix}_", pk__lt=identifiers.at(prefix, cut - timedelta(hours=1)), expires__lt=cut
    )
    newer = AccessToken.unscoped.filter(delegation=OuterRef("delegation"), created__gt=OuterRef("created"))
    over = Delegation.unscoped.filter(Q(ended_at__isnull=False) | Q(expires_at__lt=now), pk=OuterRef("delegation"))
    has_child = Exists(AccessToken.unscoped.filter(parent=OuterRef("pk")))
    return old.filter(Exists(newer) | Exists(over), ~has_child).order_by("pk")


def fetches(now: datetime) -> "QuerySet[KeyFetch]":
    """Return who has not fetched the key set for a month."""
    return KeyFetch.objects.filter(last_at__lte=now - fetchers.KEPT).order_by("last_at")
