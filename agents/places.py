"""Where a person has a place, and how much waits there for their decision: for the menu of tenants and for the API."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count

from agents.models import Approval
from tenants.models import Membership
from tenants.places import places_of
from tenants.rules import may_decide, may_see_console


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a tenant that is open, and how many decisions wait there for whoever has it."""

    member: Membership
    waiting: int

    @property
    def url(self) -> str:
        """Where whoever has it comes in."""
        return f"{self.member.tenant.issuer}/{'console' if may_see_console(self.member) else 'me/agents'}"


def of(member: Membership, *, at_least: int = 1) -> list[Place]:
    """Return a person's places, this one among them, by the names of the tenants; none where there are fewer."""
    places = places_of(member)
    if len(places) < at_least:
        return []
    waiting = _waiting(place.tenant_id for place in places if may_decide(place))
    return [Place(place, waiting.get(place.tenant_id, 0)) for place in places]


def _waiting(tenants: Iterable[str | None]) -> Mapping[str | None, int]:
    open_ones = Approval.unscoped.using(settings.OPERATOR_ALIAS).filter(
        tenant__in=list(tenants), status=Approval.Status.WAITING
    )
    return dict(open_ones.order_by().values_list("tenant").annotate(Count("pk")))
