"""Judgements about agents: what may be done with one in its state, who answers for it, and what can be brought back."""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from agents.errors import OwnCause, Ownerless
from agents.models import Agent
from audit.principals import Kind, Principal
from tenants.models import Membership
from tenants.rules import is_here

RESTORABLE = timedelta(days=30)
NOBODY = _("Nobody who is here answers for this agent. Choose an owner first.")


class Verb(StrEnum):
    """What is done with a whole agent."""

    PAUSE = "pause"
    RESUME = "resume"
    RETIRE = "retire"
    RESTORE = "restore"


LIVING = (Agent.Status.ACTIVE, Agent.Status.PENDING, Agent.Status.SUSPENDED)
_BEGINS_WITH = {
    Verb.PAUSE: (Agent.Status.ACTIVE, Agent.Status.PENDING),
    Verb.RESUME: (Agent.Status.SUSPENDED,),
    Verb.RETIRE: LIVING,
    Verb.RESTORE: (Agent.Status.RETIRED,),
}


def is_possible(verb: Verb, agent: Agent, *, now: datetime) -> bool:
    """Say whether a verb fits an agent as it stands; whether it succeeds decides its UPDATE."""
    if agent.status not in _BEGINS_WITH[verb]:
        return False
    until = restorable_until(agent)
    return verb != Verb.RESTORE or (until is not None and now < until)


def restorable_until(agent: Agent) -> datetime | None:
    """Return until when an ended agent may be restored, or None where it may not at all."""
    if agent.retired_at is None or agent.ended_at is not None:
        return None
    return agent.retired_at + RESTORABLE


def check_answered_for(owner: Membership | None, *, by: Principal) -> None:
    """Refuse that an agent becomes active while nobody who is here owns it.

    An operator's commands name no owner: there is nobody in the tenant yet when it is filled.
    """
    if not is_here(owner) and by.kind != Kind.SYSTEM:
        raise Ownerless(NOBODY)


def check_impartial(agent: Agent, voices: Collection[str]) -> None:
    """Refuse that an agent decides or speaks about itself, whoever it acts for; `voices` are the ids of who speaks."""
    if agent.pk in voices:
        raise OwnCause("An agent has no say in whether it may act, or get more. Do this in another app.")
