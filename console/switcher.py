"""The menu of tenants, for people with a place in several: where else they may go, and what waits for them there."""

from dataclasses import dataclass
from functools import partial

from django.utils.functional import Promise, SimpleLazyObject

from agents import places
from tenants.models import Membership


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


def of(member: Membership, *, at_least: int = 2) -> list[Place]:
    """Return the tenants of a person; none where there are fewer, as there is nothing to choose from then."""
    return [_place(each, member) for each in places.of(member, at_least=at_least)]


def lazily(member: Membership) -> "SimpleLazyObject[list[Place]]":
    """Return the same, asked for only where a page shows it."""
    return SimpleLazyObject(partial(of, member))


def _place(place: places.Place, member: Membership) -> Place:
    tenant = place.member.tenant
    return Place(
        name=tenant.name,
        initials=tenant.initials,
        role=place.member.role_label,
        url=place.url,
        is_current=place.member.pk == member.pk,
        waiting=place.waiting,
        environment=tenant.environment,
        environment_words=tenant.get_environment_display(),
    )
