"""Which key signed the access tokens that are good now: whoever checks one of them needs that key."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from kit import identifiers
from tenants.rules import LONGEST_ACCESS_TOKEN
from tokens.models import AccessToken

SKEW = timedelta(minutes=5)
"""By how much the clocks of two processes may differ."""
MOST = 10_000
"""Tokens that are counted, newest first: of a tenant with more it is said that there are more."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the tokens that were counted a key signed; `is_all` says whether all were counted."""

    tokens: int
    of: int
    is_all: bool = True

    @property
    def percent(self) -> int:
        """The share in whole percent; what is there is never nothing, and what is not all never everything."""
        if self.tokens in {0, self.of}:
            return 100 if self.tokens else 0
        return min(max(round(100 * self.tokens / self.of), 1), 99)


def good(now: datetime) -> "QuerySet[AccessToken]":
    """Return the tokens that are good now. Their ids begin with the time: nobody reads all tokens there ever were."""
    oldest = identifiers.at("tok", now - timedelta(seconds=LONGEST_ACCESS_TOKEN) - SKEW)
    return AccessToken.objects.filter(pk__gte=oldest, expires__gt=now, revoked_at=None)


def shares(now: datetime, *, most: int = MOST) -> Mapping[str, Share]:
    """Return by kid how many of the good tokens each key signed; a key that signed none is not in it."""
    found = list(good(now).exclude(kid="").order_by("-pk").values_list("kid", flat=True)[: most + 1])
    counted, is_all = Counter(found[:most]), len(found) <= most
    return {kid: Share(number, counted.total(), is_all) for kid, number in counted.items()}
