"""What an end did, in numbers that hold: what is refused from now on, and which tokens live on where until when.

Refresh, exchange and introspection ask for status each time: for them the end is now. A server that checks a JWT by
itself accepts it to its last second; that second is the receipt's time to zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet

from delegations.models import Ancestry, Delegation
from kit import one_statement
from kit.one_statement import Line
from tenants import directory
from tenants.models import ResourceServer, Tenant
from tenants.rules import LONGEST_ACCESS_TOKEN
from tokens import families
from tokens.models import AccessToken, RefreshToken

INTROSPECTION, ITSELF = "introspection", "jwt"
LEFT = "tokens that are left"


@dataclass(frozen=True, slots=True)
class Remainder:
    """Unexpired tokens at one resource server: how it checks them, and when the last one dies by itself."""

    resource: str
    checks: str
    tokens: int
    until: datetime

    def as_json(self) -> Mapping[str, Any]:
        return {
            "resource": self.resource,
            "checks": self.checks,
            "tokens": self.tokens,
            **({"accepted_until": self.until.isoformat()} if self.checks == ITSELF else {}),
        }


@dataclass(frozen=True, slots=True)
class Receipt:
    """What ended at `at`: how many delegations, how many token families of them, and what remains of their tokens."""

    delegation_id: str
    at: datetime
    delegations: int
    families: int
    remainders: tuple[Remainder, ...]

    @property
    def until(self) -> datetime | None:
        """When the last token dies that somebody may still accept, or None."""
        return max((each.until for each in self.remainders if each.checks == ITSELF), default=None)

    @property
    def seconds_to_zero(self) -> int:
        """Time to zero, in whole seconds, rounded up."""
        return ceil((self.until - self.at).total_seconds()) if self.until else 0

    def as_json(self) -> Mapping[str, Any]:
        return {
            "delegation": self.delegation_id,
            "ended_at": self.at.isoformat(),
            "delegations_ended": self.delegations,
            "token_families_ended": self.families,
            "tokens": [each.as_json() for each in self.remainders],
            "time_to_zero": self.seconds_to_zero,
        }


def write(delegation: Delegation, *, now: datetime) -> Receipt:
    """Return the receipt of a delegation that ends at this moment; asked in the transaction that ends it."""
    return Receipt(
        delegation_id=delegation.pk,
        at=now,
        delegations=1 + _live_below(delegation, now).count(),
        families=_families(delegation, now),
        remainders=_remainders(_tokens_of(delegation), now),
    )


def of_family(family: RefreshToken, delegation: Delegation, *, now: datetime) -> Receipt:
    """Return the receipt of one token family that ends at this moment, while its delegation goes on."""
    bought = AccessToken.objects.filter(family=family)
    return Receipt(delegation.pk, at=now, delegations=0, families=1, remainders=_remainders(bought, now))


def _live_below(delegation: Delegation, now: datetime) -> Any:
    """Return what lived below: nothing between it and this one was over before."""
    over = Q(ancestor__ended_at__isnull=False) | Q(ancestor__expires_at__lte=now)
    under_another = Ancestry.objects.filter(over, delegation=OuterRef("pk")).exclude(ancestor=delegation)
    return Delegation.objects.filter(
        Q(expires_at=None) | Q(expires_at__gt=now),
        ~Exists(under_another),
        ancestry__ancestor=delegation,
        ended_at=None,
    )


def _families(delegation: Delegation, now: datetime) -> int:
    kept = RefreshToken.objects.filter(client=delegation.client_id, subject=delegation.subject, revoked=None)
    alive = (family for family in kept.exclude(digest="") if not families.is_over(family, now=now))
    return sum(delegation.pk in family.delegations for family in alive)


def _tokens_of(delegation: Delegation) -> "QuerySet[AccessToken]":
    below = Ancestry.objects.filter(ancestor=delegation).values("delegation")
    # One list, not two conditions: with those PostgreSQL reads every token there is.
    ended = Delegation.objects.filter(pk=delegation.pk).values("pk").union(below)
    return AccessToken.objects.filter(delegation__in=ended)


def left_by(delegation: Delegation, *, now: datetime) -> tuple[Remainder, ...]:
    """Return what would be left if a delegation ended now: unexpired tokens of it and of its parts, by server."""
    return _remainders(_tokens_of(delegation), now)


def parts_left(delegation: Delegation, *, now: datetime) -> list["QuerySet[Any, Any]"]:
    """Return the question whose answer `told_left` reads, for a statement that may ask more."""
    grouped = _unexpired(_tokens_of(delegation), now).order_by().values("audience")
    columns = {"key": F("audience"), "number": Count("pk"), "latest": Max("expires")}
    return [one_statement.part(grouped, LEFT, **columns)]


def told_left(found: Mapping[str, list[Line]]) -> tuple[Remainder, ...]:
    """Return what `left_by` does by the lines of a statement."""
    lines = sorted((each.key, each.number, each.latest) for each in found.get(LEFT, ()) if each.latest)
    return tuple(Remainder(key, checks(key), number, latest) for key, number, latest in lines)


def _unexpired(bought: "QuerySet[AccessToken]", now: datetime) -> "QuerySet[AccessToken]":
    # What is older than any token lives is not looked at.
    youngest = now - timedelta(seconds=LONGEST_ACCESS_TOKEN)
    # Those that were given back too: a server that asks nobody does not know of it.
    return bought.filter(created__gte=youngest, expires__gt=now)


def _remainders(bought: "QuerySet[AccessToken]", now: datetime) -> tuple[Remainder, ...]:
    grouped = (
        _unexpired(bought, now)
        .values("audience")
        .annotate(number=Count("pk"), latest=Max("expires"))
        .order_by("audience")
    )
    return tuple(
        Remainder(each["audience"], checks(each["audience"]), each["number"], each["latest"]) for each in grouped
    )


def checks(audience: str) -> str:
    """Return how a resource server learns that a token ended: by asking each time, or not before its last second."""
    if audience == directory.current().api_identifier or audience == directory.current().issuer:
        return INTROSPECTION  # Our own endpoints ask the database.
    protected = directory.resource_server(audience)
    if protected is None:
        return ITSELF
    return INTROSPECTION if protected.server.asks else ITSELF


def lag(server: ResourceServer, tenant: Tenant) -> int:
    """Return for how many seconds after an end a token may still be accepted there at most; 0: an end holds at once."""
    is_ours = server.identifier == tenant.api_identifier
    return 0 if server.asks or is_ours else tenant.access_token_seconds


def lag_at(audience: str) -> int:
    """Return the same for an audience: of a resource server elsewhere nobody knows that it asks."""
    return 0 if checks(audience) == INTROSPECTION else directory.current().access_token_seconds
