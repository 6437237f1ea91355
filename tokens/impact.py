"""How much a delegation is used."""

from datetime import datetime
from typing import TYPE_CHECKING, TypedDict

from django.db.models import Count, OuterRef, QuerySet, Subquery
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


def with_use(delegations: "QuerySet[Delegation]") -> "QuerySet[UsedDelegation]":
    """Annotate when each delegation was last used (`last_used_at`), and how often (`uses`)."""
    tokens = AccessToken.objects.filter(delegation=OuterRef("pk")).order_by()
    counted = tokens.values("delegation").annotate(number=Count("pk")).values("number")
    return delegations.annotate(
        last_used_at=Subquery(tokens.order_by("-created").values("created")[:1]),
        uses=Coalesce(Subquery(counted), 0),
    )
