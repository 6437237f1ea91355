"""Asking those who answer for an agent whether it is still theirs and still needed, and their word that it is."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext

from agents import owners
from agents.errors import NotActive, Unusable
from agents.models import Agent
from agents.rules import LIVING
from audit.events import Event
from audit.ledger import record
from audit.principals import Kind, Principal
from tenants.models import Membership
from tenants.rules import is_here

AGAIN = timedelta(days=7)
"""After so long without an answer it is asked anew."""


def is_asked(agent: Agent) -> bool:
    """Say whether its owners were asked and none of them has answered since."""
    asked, said = agent.confirm_asked_at, agent.confirmed_at
    return asked is not None and agent.status in LIVING and (said is None or said < asked)


def unanswered() -> Q:
    """Match the agents whose owners were asked and have not answered since."""
    silent = Q(confirmed_at=None) | Q(confirmed_at__lt=F("confirm_asked_at"))
    return Q(silent, confirm_asked_at__isnull=False, status__in=LIVING)


def why_not(agent: Agent, *, now: datetime) -> str:
    """Return why the owners of an agent cannot be asked at this moment, or ""."""
    if agent.status not in LIVING:
        return gettext("It ended.")
    if agent.confirm_asked_at is not None and is_asked(agent) and now - agent.confirm_asked_at < AGAIN:
        return gettext("Its owners are asked already.")
    if not is_here(agent.owner) and owners.answering(agent) is None:
        return gettext("Nobody who is here answers for it.")
    return ""


@transaction.atomic
def ask(agent: Agent, *, by: Principal) -> None:
    """Ask the owners of an agent, who get a mail each; raises Unusable, or NotActive where somebody was faster."""
    now = timezone.now()
    if why := why_not(agent, now=now):
        raise Unusable(why)
    as_read = Agent.objects.filter(pk=agent.pk, status__in=LIVING, confirm_asked_at=agent.confirm_asked_at)
    if not as_read.update(confirm_asked_at=now, version=F("version") + 1):
        raise NotActive(agent.pk)
    record(Event.AGENT_CONFIRMATION_ASKED, by=by, about=agent)


@transaction.atomic
def confirm(agent: Agent, *, by: Membership) -> bool:
    """Write down that an owner says it is still theirs and needed; say whether anybody waited for that."""
    open_ones = Agent.objects.filter(unanswered(), pk=agent.pk)
    if not open_ones.update(confirmed_at=timezone.now(), confirmed_by=by, version=F("version") + 1):
        return False
    record(Event.AGENT_CONFIRMED, by=Principal(Kind.USER, by.pk, by.name), about=agent)
    return True
