"""The verbs of working together: which agent may hand part of its authority to which, and what an agent never gets."""

from collections.abc import Iterable, Mapping

from django.db import transaction
from django.db.models import F

from agents import directory
from agents.models import Agent, Client, Handover
from audit.events import Event
from audit.ledger import record
from audit.principals import Principal
from tenants.actions import move_version


@transaction.atomic
def allow_handover(agent: Agent, to: Agent, *, by: Principal) -> None:
    """Let an agent hand part of its authority to another; raises ValueError for one and the same agent."""
    if agent.pk == to.pk:
        raise ValueError("an agent hands nothing on to itself")
    _, is_new = Handover.objects.get_or_create(agent=agent, to_agent=to)
    if is_new:
        record(Event.HANDOVER_ALLOWED, by=by, about=agent, detail={"to": to.pk})
        _everybody_reads_anew()


@transaction.atomic
def forbid_handover(agent: Agent, to: Agent, *, by: Principal) -> None:
    """Take that back: what was handed on gets no new token from the commit on."""
    removed, _ = Handover.objects.filter(agent=agent, to_agent=to).delete()
    if removed:
        record(Event.HANDOVER_FORBIDDEN, by=by, about=agent, detail={"to": to.pk})
        _everybody_reads_anew()


@transaction.atomic
def set_ceiling(agent: Agent, ceiling: Mapping[str, Iterable[str]] | None, *, by: Principal) -> None:
    """Bound what an agent ever gets, by resource identifier; None lifts the bound, an empty one allows nothing."""
    kept = None if ceiling is None else {audience: sorted(scopes) for audience, scopes in ceiling.items()}
    Agent.objects.filter(pk=agent.pk).update(ceiling=kept, version=F("version") + 1)
    words = ["none"] if kept is None else [f"{audience}: {' '.join(kept[audience])}" for audience in kept]
    # The mint compares the version of the client that asks, which is kept together with its agent.
    Client.objects.filter(agent=agent).update(version=F("version") + 1)
    record(Event.AGENT_CEILING_CHANGED, by=by, about=agent, detail={"ceiling": words})
    transaction.on_commit(directory.forget_all)


@transaction.atomic
def set_exchange_actor(client: Client, actor: Client.ExchangeActor, *, by: Principal) -> None:
    """Say who is the actor of what a client exchanges. `none` is impersonation: an admin's decision, and shown."""
    Client.objects.filter(pk=client.pk).update(exchange_actor=actor, version=F("version") + 1)
    record(Event.CLIENT_ACTOR_CHANGED, by=by, about=client, detail={"exchange_actor": str(actor)})
    transaction.on_commit(directory.forget_all)


def _everybody_reads_anew() -> None:
    move_version()
    transaction.on_commit(directory.forget_all)
