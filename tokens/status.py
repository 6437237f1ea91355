"""Is a token still good right now? One query asks everything that it hangs on; nothing is cached."""

from datetime import datetime

from django.db.models import Q

from agents.models import Agent, Client
from tenants.models import Membership, Tenant
from tokens.models import AccessToken, RefreshToken

_OF_TOKEN = Q(tenant__status=Tenant.Status.ACTIVE, client__status=Client.Status.ACTIVE)


def live_access_token(token_id: str, *, now: datetime) -> AccessToken | None:
    """Return the row of an access token if tenant, client, agent, person, delegation and family are all alive."""
    return (
        AccessToken.objects.filter(_OF_TOKEN, pk=token_id, revoked_at=None, expires__gt=now)
        .filter(Q(family=None) | Q(family__revoked=None))
        .filter(_delegation_lives(now))
        .select_related("client", "delegation__agent")
        .first()
    )


def live_family(family_id: str, *, now: datetime) -> RefreshToken | None:
    """Return a token family if it and its client and tenant are alive; its delegations are judged apart."""
    return (
        RefreshToken.objects.filter(_OF_TOKEN, pk=family_id, revoked=None)
        .filter(Q(expires=None) | Q(expires__gt=now))
        .select_related("client")
        .first()
    )


def _delegation_lives(now: datetime) -> Q:
    lasts = Q(delegation__expires_at=None) | Q(delegation__expires_at__gt=now)
    agent = Q(delegation__agent=None) | Q(delegation__agent__status=Agent.Status.ACTIVE)
    person = Q(delegation__member=None) | Q(
        delegation__member__status=Membership.Status.ACTIVE, delegation__member__user__is_active=True
    )
    return Q(delegation__ended_at=None) & lasts & agent & person
