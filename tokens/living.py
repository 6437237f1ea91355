"""Which tokens of an agent are good at this moment: by what introspection asks, as a list. Pure reading."""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from agents.models import Agent, Client
from delegations.models import Delegation
from tenants.rules import LONGEST_ACCESS_TOKEN
from tokens import status
from tokens.models import AccessToken


def of_agent(agent: Agent, *, now: datetime) -> "QuerySet[AccessToken]":
    """Return the live tokens that an agent got; none of an agent that is not active."""
    return good(now=now, of=Q(agent=agent))


def good(*, now: datetime, of: Q | None = None) -> "QuerySet[AccessToken]":
    """Return the tokens that are good now, of the delegations that are meant; of agents, or people's own."""
    alive = Delegation.objects.filter(status.lives(now), ~status.hangs_on_dead(now), of or Q())
    held = alive.filter(client__status=Client.Status.ACTIVE)
    return AccessToken.objects.filter(
        Q(family=None) | Q(family__revoked=None),
        delegation__in=held,
        # What is older than any token lives is not looked at.
        created__gte=now - timedelta(seconds=LONGEST_ACCESS_TOKEN),
        expires__gt=now,
        revoked_at=None,
    ).select_related("client", "delegation__member__user")


def left_of(token: AccessToken) -> list[str]:
    """Return the scopes of a token that its delegation still has."""
    return sorted(set(token.scope.split()) & token.delegation.scope_set)
