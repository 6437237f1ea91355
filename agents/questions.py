"""Questions that a token request puts: it needs an agent that nobody approved, or more than the agent was approved for.

One question is open about an agent at a time: what further requests need is added to it, and its version moves, so
that nobody decides on what they did not read.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from agents import admission, lapsing
from agents.models import Agent, Approval, Client
from audit.events import Event
from audit.ledger import record
from audit.principals import Kind, Principal

Scopes = Mapping[str, Iterable[str]]
AGAIN = timedelta(days=1)
"""For how long a question for more that was taken back comes back as the same one."""


@transaction.atomic
def ask_for(agent_id: str, client: Client | None, asked: Scopes, own: Scopes) -> Approval | None:
    """Put what a request needs to those who decide; return the open question, or None where none is needed.

    `own` is what the agent wants for itself, with no person behind it.
    """
    agent = admission.hold_agent(agent_id)
    if agent.waits(timezone.now()) and agent.status == Agent.Status.ACTIVE:
        lapsing.ask_to_renew(agent_id, timezone.now())
    waiting = Approval.objects.filter(agent=agent, status=Approval.Status.WAITING)
    if agent.status == Agent.Status.PENDING:
        admission.ask_about(agent, client)
    found = waiting.first()
    if found is None:
        needed = agent.status == Agent.Status.ACTIVE and (own or _is_beyond(agent, asked))
        return _ask_for_more(agent, client, asked, own) if needed else None
    # What changed of an agent is a question of its own: its ceiling stays as it was.
    if found.kind != Approval.Kind.CHANGE:
        _widen(found, asked, own if found.kind == Approval.Kind.SCOPES else {})
    return found


@transaction.atomic
def withdraw(approval: Approval, *, by: Principal) -> None:
    """Close a question for more that no request waits for any longer. Any other question stands on its own."""
    mine = Approval.objects.filter(pk=approval.pk, kind=Approval.Kind.SCOPES, status=Approval.Status.WAITING)
    if mine.update(status=Approval.Status.LAPSED, decided_at=timezone.now(), version=F("version") + 1):
        record(Event.APPROVAL_WITHDRAWN, by=by, about=approval)


def _ask_for_more(agent: Agent, client: Client | None, asked: Scopes, own: Scopes) -> Approval:
    kind, now = Approval.Kind.SCOPES, timezone.now()
    closed = Approval.objects.filter(agent=agent, kind=kind, status=Approval.Status.LAPSED)
    made = closed.filter(decided_at__gte=now - AGAIN).order_by("-pk").first()
    if made is None:
        made = Approval.objects.create(kind=kind, agent=agent, client=client, asked=dict(asked), own=dict(own))
    else:
        # The same question as before: whoever asks and takes it back all day has those who decide told of it once.
        said = {"asked": dict(asked), "own": dict(own), "decided_at": None, "version": F("version") + 1}
        Approval.objects.filter(pk=made.pk).update(status=Approval.Status.WAITING, client=client, **said)
    record(Event.APPROVAL_ASKED, by=Principal(Kind.AGENT, agent.pk, agent.name), about=made, detail={"kind": kind})
    return made


def _is_beyond(agent: Agent, asked: Scopes) -> bool:
    return any(frozenset(scopes) - agent.under_ceiling(name, frozenset(scopes)) for name, scopes in asked.items())


def _widen(approval: Approval, asked: Scopes, own: Scopes) -> None:
    wider = {"asked": together(approval.asked, asked), "own": together(approval.own, own)}
    if wider != {"asked": approval.asked, "own": approval.own}:
        Approval.objects.filter(pk=approval.pk).update(**wider, version=F("version") + 1)


def together(one: Scopes, other: Scopes) -> dict[str, list[str]]:
    """Return what stands in either, by resource."""
    return {name: sorted({*one.get(name, ()), *other.get(name, ())}) for name in {*one, *other}}
