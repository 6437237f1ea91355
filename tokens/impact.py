"""What ends when an access ends, and what lives on until when: receipts, and how much a delegation is used."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypedDict

from django.db.models import Count, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from delegations.models import Delegation
from tokens.models import AccessToken

if TYPE_CHECKING:  # The stubs are not installed where the product runs.
    from django_stubs_ext import WithAnnotations

    UsedDelegation = WithAnnotations[Delegation, "Use"]


class Use(TypedDict):
    """How much a delegation is used."""

    last_used_at: datetime | None
    uses: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an end did: refresh and introspection are refused at once; verifiers of JWTs alone go on until `until`."""

    ended: tuple[Delegation, ...]
    until: datetime | None


def last_life(delegations: list[str], *, now: datetime) -> datetime | None:
    """Return when the last unexpired access token of these delegations dies by itself."""
    alive = AccessToken.objects.filter(delegation_id__in=delegations, expires__gt=now, revoked_at=None)
    latest: datetime | None = alive.aggregate(latest=Max("expires"))["latest"]
    return latest


def with_use(delegations: "QuerySet[Delegation]") -> "QuerySet[UsedDelegation]":
    """Annotate when each delegation was last used (`last_used_at`), and how often (`uses`)."""
    tokens = AccessToken.objects.filter(delegation=OuterRef("pk")).order_by()
    counted = tokens.values("delegation").annotate(number=Count("pk")).values("number")
    return delegations.annotate(
        last_used_at=Subquery(tokens.order_by("-created").values("created")[:1]),
        uses=Coalesce(Subquery(counted), 0),
    )
