"""What the calendar does to questions and approvals: a question that nobody decides lapses, an approval may end."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet

from agents import admission
from agents.models import Agent, Approval
from audit.events import Event
from audit.ledger import record
from audit.principals import SYSTEM

OPEN_FOR = timedelta(days=14)
BATCH = 500
_ACTS = (Agent.Status.ACTIVE, Agent.Status.SUSPENDED)


def lapse_due(now: datetime, *, limit: int = BATCH) -> int:
    """Close questions that nobody decided in two weeks; the agent goes on waiting, and may be asked for anew."""
    due = Approval.objects.filter(status=Approval.Status.WAITING, created_at__lte=now - OPEN_FOR)
    return sum(_lapse(approval_id, now) for approval_id in _ids(due, limit))


def end_due(now: datetime, *, limit: int = BATCH) -> int:
    """Ask anew about agents whose approval ended; they wait from its last second on."""
    due = Agent.objects.filter(approved_until__lte=now, status__in=_ACTS)
    return sum(ask_to_renew(agent_id, now) for agent_id in _ids(due, limit))


@transaction.atomic
def ask_to_renew(agent_id: str, now: datetime) -> int:
    """Put the question whether an agent may go on whose approval ended; return how many were put, none or one.

    What it had stays as what an approver starts from. A paused agent waits once it is resumed.
    """
    agent = admission.hold_agent(agent_id)
    if agent.status not in _ACTS or agent.approved_until is None or agent.approved_until > now:
        return 0
    admission.give_way(agent)
    client = agent.clients.order_by("pk").first()
    made = Approval(kind=Approval.Kind.RENEWAL, agent=agent, client=client, asked=agent.ceiling or {})
    Approval.objects.bulk_create([made], ignore_conflicts=True)
    status = Agent.Status.PENDING if agent.status == Agent.Status.ACTIVE else agent.status
    admission.change(agent, status=status, approved_until=None)
    if not Approval.objects.filter(pk=made.pk).exists():
        return 0  # A question about it is open already.
    record(Event.APPROVAL_ENDED, by=SYSTEM, about=made)
    return 1


@transaction.atomic
def _lapse(approval_id: str, now: datetime) -> int:
    waiting = Approval.objects.filter(pk=approval_id, status=Approval.Status.WAITING)
    changed = waiting.update(status=Approval.Status.LAPSED, decided_at=now, version=F("version") + 1)
    if changed:
        record(Event.APPROVAL_LAPSED, by=SYSTEM, about=Approval.objects.get(pk=approval_id))
    return changed


def _ids(due: "QuerySet[Agent] | QuerySet[Approval]", limit: int) -> list[str]:
    return list(due.order_by("pk").values_list("pk", flat=True)[:limit])
