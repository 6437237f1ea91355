"""The verbs of working together: which agent may hand part of its authority to which, and what an agent never gets."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Unpack

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from agents import admission, directory, limits
from agents.errors import NotActive, Unusable
from agents.limits import Limits, Said
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
def set_limits(agent: Agent, *, by: Principal, version: int | None = None, **said: Unpack[Said]) -> Agent:
    """Bound what an agent ever gets, for whom, how long each time, and until when; what is not said stays.

    The ceiling is by resource identifier. None lifts a bound, an empty one allows nothing; whoever says what is so
    already changes nothing. Raises Unusable for what no resource has or while somebody has to decide, BadLimits,
    NotActive or Stale.
    """
    held, now = admission.hold_agent(agent.pk), timezone.now()
    if held.waits(now):
        raise Unusable(gettext("It waits for a decision: how much it gets is said with that."))
    if held.status not in BOUNDED:
        raise NotActive(held.pk)
    if as_read(version) and held.version != version:
        raise Stale(held)
    before = limits.kept_by(held)
    after = limits.changed(before, said, now=now)
    if after == before:
        return held
    admission.change(held, **after.of_agent)
    record(Event.AGENT_CEILING_CHANGED, by=by, about=held, detail=_told(before, after))
    return Agent.objects.get(pk=held.pk)


def _told(before: Limits, after: Limits) -> dict[str, JsonValue]:
    """Return what is bound now, and what was before, for the ledger."""
    words: dict[str, JsonValue] = {**after.told(), "before": [*_words(before.ceiling)]}
    if replace(before, ceiling=None) != replace(after, ceiling=None):
        words |= {f"before_{name}": value for name, value in before.told().items() if name != "ceiling"}
    return words


def _words(ceiling: Mapping[str, Iterable[str]] | None) -> list[str]:
    return ["none"] if ceiling is None else [f"{audience}: {' '.join(ceiling[audience])}" for audience in ceiling]


def _everybody_reads_anew() -> None:
    move_version()
    transaction.on_commit(directory.forget_all)
