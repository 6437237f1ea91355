"""What a decision makes of an agent, and what taking it back leaves of that."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from agents.errors import Unusable
from agents.limits import Limits, judged, kept_by
from agents.models import Agent, Approval

DECIDED = frozenset({Agent.Status.ACTIVE, Agent.Status.DENIED})
_HELD_BACK = frozenset({Agent.Status.PENDING, Agent.Status.SUSPENDED})
EXPECTED = {
    Approval.Kind.ADMISSION: _HELD_BACK,
    Approval.Kind.CHANGE: _HELD_BACK,
    Approval.Kind.RENEWAL: _HELD_BACK,
    Approval.Kind.SCOPES: frozenset({Agent.Status.ACTIVE, Agent.Status.SUSPENDED}),
}
"""In which statuses an agent can be while each question about it is open."""


def kept(approval: Approval, agent: Agent, said: Limits, *, now: datetime) -> Limits:
    """Return the limits that a decision keeps; raises BadLimits, or Unusable where it says more than was asked."""
    if approval.kind == Approval.Kind.CHANGE:
        return kept_by(agent)  # The question was whether it is still the same agent, not how much it may.
    judged_now = judged(said, now=now)
    if approval.kind != Approval.Kind.SCOPES:
        return judged_now
    if judged_now != Limits(judged_now.ceiling):
        raise Unusable(_("For whom and how long stays as it was: this is about what else it gets."))
    given = judged_now.ceiling
    if given and any(set(scopes) - set(approval.asked.get(resource, ())) for resource, scopes in given.items()):
        raise Unusable(_("It did not ask for that: only what it asks for can be given here."))
    return Limits(approval.asked if given is None else given)


def of_approving(approval: Approval, agent: Agent, given: Limits) -> dict[str, object]:
    """Return what an agent becomes by an approval."""
    if approval.kind == Approval.Kind.SCOPES:
        return {"ceiling": _raised(agent.ceiling, given.ceiling or {})}
    # Whoever paused it decides when it goes on.
    status = Agent.Status.ACTIVE if agent.status == Agent.Status.PENDING else agent.status
    return {**given.of_agent, "status": status, "is_quarantined": False, "admitted_at": timezone.now()}


def came_of(found: Approval, agent: Agent) -> bool:
    """Say whether something came of an approval. Nothing new does while the agent's row is held.

    Whatever an agent was let do hangs on a delegation; and a request that waited for more was answered.
    """
    if found.kind == Approval.Kind.ADMISSION:
        return bool(agent.delegations.exists())
    if found.kind != Approval.Kind.SCOPES:
        return False
    newer = agent.delegations.filter(created_at__gte=found.decided_at)
    return bool(newer.exists() or found.deferrals.filter(used_at__isnull=False).exists())


def of_undoing(found: Approval, agent: Agent) -> dict[str, object]:
    """Return what an agent is again once a decision on it is taken back."""
    if found.kind == Approval.Kind.ADMISSION:
        return {**Limits(None).of_agent, "status": Agent.Status.PENDING, "admitted_at": None}
    if found.kind != Approval.Kind.SCOPES:
        # A question about a known agent leaves what it had: nothing of it works while it waits.
        return {"status": Agent.Status.PENDING}
    if found.status == Approval.Status.DENIED or agent.ceiling is None:
        return {}
    # What was given with it goes; what an admin said of the limits since then stays.
    had, given = found.before or {}, found.ceiling or {}
    gone = {name: set(scopes) - set(had.get(name, ())) for name, scopes in given.items()}
    left = {name: sorted(set(scopes) - gone.get(name, set())) for name, scopes in agent.ceiling.items()}
    return {"ceiling": {name: scopes for name, scopes in left.items() if scopes or name in had}}


def _raised(ceiling: Mapping[str, list[str]] | None, by: Mapping[str, Iterable[str]]) -> dict[str, list[str]] | None:
    """Return a ceiling with what was approved beside it; without one there is nothing to raise."""
    if ceiling is None:
        return None
    return {name: sorted({*ceiling.get(name, ()), *by.get(name, ())}) for name in {*ceiling, *by}}
