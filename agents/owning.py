"""Whose agents they are: what its owners may look at and do without any role, and nothing beyond that."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from agents.models import Agent, CoOwner
from agents.rules import Verb
from tenants.models import Membership
from tenants.roles import Act, may
from tenants.rules import may_see_console

STOPS = frozenset({Verb.PAUSE, Verb.RETIRE})
"""What an owner does with a whole agent. What wakes it again is an admin's: it may be an admin who stopped it."""


def theirs(member: Membership) -> "QuerySet[Agent]":
    """Return the agents that a member answers for, first or beside somebody else."""
    return Agent.objects.filter(answered_by(member.pk))


def answered_by(member_id: str) -> Q:
    """Match the agents that a member answers for, first or beside somebody else."""
    beside = CoOwner.objects.filter(agent=OuterRef("pk"), member=member_id).order_by()
    return Q(owner=member_id) | Q(Exists(beside))


def visible_to(member: Membership) -> "QuerySet[Agent]":
    """Return the agents that a member may look at: everybody's for those who look after the tenant, else their own."""
    return Agent.objects.all() if may_see_console(member) else theirs(member)


def may_do(member: Membership, verb: Verb, is_theirs: bool) -> bool:
    """Say whether a member may do something with a whole agent, theirs or not, if it is possible at all."""
    return may(member, Act.AGENTS_PAUSE) or (verb in STOPS and is_theirs)


def may_turn_keys(member: Membership, agent: Agent) -> bool:
    """Say whether a member may add and retire what an agent comes in with."""
    return may(member, Act.CREDENTIALS_WRITE) or theirs(member).filter(pk=agent.pk).exists()
