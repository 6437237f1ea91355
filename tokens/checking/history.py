"""Refusals that were kept, and who may read why."""

from django.db.models import Q, QuerySet

from agents.models import Agent
from audit.events import Event
from audit.models import Entry
from tenants.models import Membership
from tenants.rules import may_see_console

REFUSALS = (Event.TOKEN_REFUSED.value, Event.AUTHORIZATION_REFUSED.value)


def refusals_for(member: Membership) -> QuerySet[Entry]:
    """Return the refusals that concern a member: all for who looks after the tenant, else of their agents and name."""
    found = Entry.objects.filter(event__in=REFUSALS).order_by("-pk")
    if may_see_console(member):
        return found
    owned = Agent.objects.filter(owner=member).values("pk")
    return found.filter(Q(on_behalf_of=member.pk) | Q(through__in=owned))
