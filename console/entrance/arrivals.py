"""Who a company's provider says that somebody is: the rules for foreign subjects, then groups and their role."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from audit.events import Event
from audit.ledger import record
from audit.principals import Kind, Principal
from kit.oauth import BadAssertion
from tenants import members, pausing
from tenants.models import Membership
from tokens.across import people
from tokens.errors import Stale
from trust import providers
from trust.models import IdentityProvider

MAX_GROUPS = 200


def member_of(provider: IdentityProvider, claims: Mapping[str, Any], *, now: datetime) -> Membership:
    """Return the member who signed in; raises BadAssertion where nobody here is meant.

    Found by the link of issuer and subject; where there is none, by what an admin lets find people (`people.find`).
    """
    try:
        member = _known(provider, claims, now)
    except Stale:  # Another browser of the same person was faster.
        member = _known(provider, claims, now)
    groups = _groups(provider, claims)
    if groups is not None:
        by = Principal(Kind.SYSTEM, provider.issuer.issuer, provider.issuer.name)
        members.follow_groups(member, groups, providers.role_of(provider, groups), by=by)
    return Membership.objects.select_related("user").get(pk=member.pk)


@transaction.atomic
def refuse(provider: IdentityProvider, reason: str) -> None:
    """Write down that a provider's word let nobody in."""
    by = Principal(Kind.SYSTEM, provider.issuer.issuer, provider.issuer.name)
    record(Event.SIGN_IN_REFUSED, by=by, about=provider, reason=reason)


@transaction.atomic
def _known(provider: IdentityProvider, claims: Mapping[str, Any], now: datetime) -> Membership:
    member, _, arrival = people.find(provider.issuer, claims, now=now)
    if arrival is not None and pausing.is_paused():
        raise BadAssertion("nobody who was not known before comes in while the tenant is paused")
    if arrival is not None:
        people.welcome(arrival)
    return member


def _groups(provider: IdentityProvider, claims: Mapping[str, Any]) -> list[str] | None:
    """Return the groups that the provider names, or None where it names none at all."""
    said = claims.get(provider.groups_claim)
    if not isinstance(said, list):
        return None
    if len(said) > MAX_GROUPS or not all(isinstance(each, str) and 0 < len(each) <= 255 for each in said):
        raise BadAssertion("groups that cannot be kept")
    return [each for each in said if "\x00" not in each]
