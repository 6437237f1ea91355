"""The verbs of working together: which agent may hand part of its authority to which, and what an agent never gets."""

from collections.abc import Iterable, Mapping

from django.db import transaction
from django.utils.translation import gettext

from agents import admission, directory, limits
from agents.errors import NotActive, Unusable
from agents.models import Agent, Handover
from audit.events import Event
from audit.ledger import JsonValue, record
from audit.principals import Principal
from tenants.actions import as_read, move_version
from tenants.errors import Stale

BOUNDED = (Agent.Status.ACTIVE, Agent.Status.SUSPENDED)
"""Agents of which an admin says how much they get; of others a decision says it."""


@transaction.atomic
def allow_handover(agent: Agent, to: Agent, *, by: Principal) -> Handover:
    """Let an agent hand part of its authority to another; raises Unusable, also where one of them ended.

    Whoever says what is so already changes nothing.
    """
    if agent.pk == to.pk:
        raise Unusable(gettext("An agent hands nothing on to itself."))
    if Agent.objects.filter(pk__in=(agent.pk, to.pk), status=Agent.Status.RETIRED).exists():
        raise Unusable(gettext("An agent that ended hands nothing on, and is handed nothing."))
    made, is_new = Handover.objects.get_or_create(agent=agent, to_agent=to)
    if is_new:
        record(Event.HANDOVER_ALLOWED, by=by, about=agent, detail={"to": to.pk})
        _everybody_reads_anew()
    return made


@transaction.atomic
def forbid_handover(agent: Agent, to: Agent, *, by: Principal) -> None:
    """Take that back: what was handed on gets no new token from the commit on."""
    removed, _ = Handover.objects.filter(agent=agent, to_agent=to).delete()
    if removed:
        record(Event.HANDOVER_FORBIDDEN, by=by, about=agent, detail={"to": to.pk})
        _everybody_reads_anew()


@transaction.atomic
def set_ceiling(
    agent: Agent, ceiling: Mapping[str, Iterable[str]] | None, *, by: Principal, version: int | None = None
) -> Agent:
    """Bound what an agent ever gets, by resource identifier; None lifts the bound, an empty one allows nothing.

    Whoever says what is so already changes nothing. Raises Unusable for what no resource has or while somebody has to
    decide, NotActive or Stale.
    """
    held = admission.hold_agent(agent.pk)
    if held.status == Agent.Status.PENDING:
        raise Unusable(gettext("It waits for a decision: how much it gets is said with that."))
    if held.status not in BOUNDED:
        raise NotActive(held.pk)
    if as_read(version) and held.version != version:
        raise Stale(held)
    kept = limits.bound(ceiling, held.ceiling)
    if kept == held.ceiling:
        return held
    admission.change(held, ceiling=kept)
    detail: dict[str, JsonValue] = {"ceiling": _words(kept), "before": _words(held.ceiling)}
    record(Event.AGENT_CEILING_CHANGED, by=by, about=held, detail=detail)
    return Agent.objects.get(pk=held.pk)


def _words(ceiling: Mapping[str, list[str]] | None) -> list[str]:
    return ["none"] if ceiling is None else [f"{audience}: {' '.join(ceiling[audience])}" for audience in ceiling]


def _everybody_reads_anew() -> None:
    move_version()
    transaction.on_commit(directory.forget_all)
