"""Is a token still good right now? The database is asked for everything that it hangs on; nothing is cached."""

from datetime import datetime

from django.db.models import Q

from agents.models import Agent, Client
from delegations.models import Delegation
from tenants.models import Membership, Tenant
from tokens import families
from tokens.models import AccessToken, RefreshToken

_OF_TOKEN = Q(tenant__status=Tenant.Status.ACTIVE, client__status=Client.Status.ACTIVE)


def live_access_token(token_id: str, *, now: datetime) -> AccessToken | None:
    """Return the row of an access token if tenant, client, agent, person, delegation and family are all alive."""
    return (
        AccessToken.objects.filter(_OF_TOKEN, pk=token_id, revoked_at=None, expires__gt=now)
        .filter(Q(family=None) | Q(family__revoked=None))
        .filter(_delegation_lives("delegation__", now))
        .select_related("client", "delegation__agent")
        .first()
    )


def live_family(family_id: str, *, now: datetime) -> RefreshToken | None:
    """Return a token family if it, its client and tenant, and one of its delegations are alive."""
    family = RefreshToken.objects.filter(_OF_TOKEN, pk=family_id, revoked=None).first()
    if family is None or families.is_over(family, now=now):
        return None
    alive = Delegation.objects.filter(_delegation_lives("", now), pk__in=family.delegations)
    return family if alive.exists() else None


def _delegation_lives(of: str, now: datetime) -> Q:
    """Return the condition on a delegation, or on the row whose path to its delegation is `of`."""
    person = Q(**{f"{of}member__status": Membership.Status.ACTIVE, f"{of}member__user__is_active": True})
    agent = Q(**{f"{of}agent__status": Agent.Status.ACTIVE})
    return (
        Q(**{f"{of}ended_at": None})
        & (Q(**{f"{of}expires_at": None}) | Q(**{f"{of}expires_at__gt": now}))
        & (Q(**{f"{of}agent": None}) | agent)
        & (Q(**{f"{of}member": None}) | person)
    )
