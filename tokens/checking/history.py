"""Refusals that were kept, and who may read why."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q, QuerySet

from agents import owning
from agents.models import Agent
from audit.events import Event
from audit.models import Entry
from kit import identifiers
from tenants.models import Membership
from tenants.rules import may_see_console

REFUSALS = (Event.TOKEN_REFUSED.value, Event.AUTHORIZATION_REFUSED.value)

MOST = 100
"""How many refusals of one agent are counted; beyond, there are more."""


def refusals_for(member: Membership) -> QuerySet[Entry]:
    """Return the refusals that concern a member: all for who looks after the tenant, else of their agents and name."""
    found = Entry.objects.filter(event__in=REFUSALS).order_by("-pk")
    if may_see_console(member):
        return found
    owned = owning.theirs(member).values("pk")
    return found.filter(Q(on_behalf_of=member.pk) | Q(through__in=owned))


def refusals_through(agent: Agent, *, since: datetime) -> list[Entry]:
    """Return the refusals of what an agent asked for, the newest first: at most one more than are counted."""
    found = Entry.objects.filter(event__in=REFUSALS, through=agent.pk, pk__gte=identifiers.at("evt", since))
    return list(found.order_by("-pk")[: MOST + 1])


def refusals_of(agent_ids: Collection[str], *, since: datetime) -> QuerySet[Entry]:
    """Return the refusals of what some agents asked for, in no order."""
    found = Entry.objects.filter(event__in=REFUSALS, through__in=agent_ids, pk__gte=identifiers.at("evt", since))
    return found.order_by()
