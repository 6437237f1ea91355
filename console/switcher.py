"""The menu of tenants, for people with a place in several: where else they may go, and what waits for them there."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.db.models import Count
from django.utils.functional import Promise, SimpleLazyObject

from agents.models import Approval
from tenants.models import Membership
from tenants.places import places_of
from tenants.rules import may_decide, may_see_console


@dataclass(frozen=True, slots=True)
class Place:
    """One tenant of the menu."""

    name: str
    initials: str
    role: str | Promise
    url: str
    is_current: bool
    waiting: int
    environment: str
    environment_words: str | Promise


def of(member: Membership) -> list[Place]:
    """Return the tenants of a person; none where there is nothing to choose from."""
    places = places_of(member)
    if len(places) < 2:
        return []
    waiting = _waiting([place.tenant_id for place in places if may_decide(place)])
    return [_place(each, member, waiting) for each in places]


def lazily(member: Membership) -> "SimpleLazyObject[list[Place]]":
    """Return the same, asked for only where a page shows it."""
    return SimpleLazyObject(partial(of, member))


def _waiting(tenants: list[str | None]) -> Mapping[str, int]:
    open_ones = Approval.unscoped.using(settings.OPERATOR_ALIAS).filter(
        tenant__in=tenants, status=Approval.Status.WAITING
    )
    return dict(open_ones.order_by().values_list("tenant").annotate(Count("pk")))


def _place(place: Membership, member: Membership, waiting: Mapping[str, int]) -> Place:
    tenant = place.tenant
    return Place(
        name=tenant.name,
        initials=tenant.initials,
        role=place.get_role_display(),
        url=f"{tenant.issuer}/{'console' if may_see_console(place) else 'me/agents'}",
        is_current=place.pk == member.pk,
        waiting=waiting.get(tenant.pk, 0),
        environment=tenant.environment,
        environment_words=tenant.get_environment_display(),
    )
