"""One verb on many agents at once: each on its own, with an entry of its own; whom it does not fit is passed over."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from agents import confirming, owners
from agents.errors import NotActive, Ownerless, Unusable
from agents.models import Agent
from agents.rules import Verb, is_possible
from audit.principals import Principal
from delegations.models import Delegation
from notices.errors import NothingMatches, NumberMoved
from tenants.models import Membership
from tokens import impact, stops

MOST = 500
"""As many as are done while somebody waits; a longer list is narrowed first."""


class Deed(StrEnum):
    """What is done with many agents."""

    PAUSE = "pause"
    RESUME = "resume"
    OWNER = "owner"
    CONFIRM = "confirm"


_UNFIT: Mapping[Deed, str | Promise] = {
    Deed.PAUSE: _("It does not act, so that it cannot be paused."),
    Deed.RESUME: _("It is not paused."),
    Deed.OWNER: _("It ended."),
    Deed.CONFIRM: _("Its owners are asked already."),
}


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One agent of a selection: for how many it acts, and why the deed does not fit it, or nothing."""

    agent: Agent
    people: int
    delegations: int
    unfit: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a deed would reach, of those agents that it fits."""

    agents: tuple[Foreseen, ...]
    people: int
    delegations: int

    @property
    def fitting(self) -> int:
        return sum(not each.unfit for each in self.agents)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whom it was done to, and whom it passed over, each with the reason."""

    done: tuple[Agent, ...]
    passed_over: tuple[tuple[Agent, str], ...]


def preview(deed: Deed, found: "QuerySet[Agent]", *, now: datetime) -> Preview:
    """Return what a deed would reach, before anybody does it; raises Unusable for more than are done at once."""
    agents = _held(found)
    fitting = [each.pk for each in agents if not _unfit(deed, each, now)]
    live = Delegation.objects.live(now).filter(agent__in=[each.pk for each in agents]).order_by()
    counts = live.values("agent").annotate(people=Count("member", distinct=True), number=Count("pk"))
    by_agent = {each["agent"]: (each["people"], each["number"]) for each in counts}
    rows = tuple(Foreseen(each, *by_agent.get(each.pk, (0, 0)), _unfit(deed, each, now)) for each in agents)
    reach = impact.of_agents(fitting, now=now)
    return Preview(rows, reach.people, reach.delegations)


@transaction.atomic
def pause(found: "QuerySet[Agent]", *, by: Principal, reason: str, expected: int | None = None) -> Outcome:
    """Pause many; raises NothingMatches, NumberMoved or Unusable, and then did nothing."""
    return _each(Deed.PAUSE, found, expected, lambda agent: stops.pause_agent(agent, by=by, reason=reason))


@transaction.atomic
def resume(found: "QuerySet[Agent]", *, by: Principal, reason: str, expected: int | None = None) -> Outcome:
    """Let many act again; raises as `pause`."""
    verb = stops.ON_AGENTS[Verb.RESUME]
    return _each(Deed.RESUME, found, expected, lambda agent: verb(agent, by=by, reason=reason))


@transaction.atomic
def give(found: "QuerySet[Agent]", owner: Membership, *, by: Principal, expected: int | None = None) -> Outcome:
    """Let somebody else own many; raises as `pause`."""
    return _each(Deed.OWNER, found, expected, lambda agent: owners.change_agent(agent, by=by, owner=owner))


@transaction.atomic
def ask_owners(found: "QuerySet[Agent]", *, by: Principal, expected: int | None = None) -> Outcome:
    """Ask the owners of many whether they are still needed; raises as `pause`."""
    return _each(Deed.CONFIRM, found, expected, lambda agent: confirming.ask(agent, by=by))


def _each(deed: Deed, found: "QuerySet[Agent]", expected: int | None, verb: Callable[[Agent], object]) -> Outcome:
    """Do it to each that it fits, in one order, so that two who meet do not wait for each other in a circle."""
    now = timezone.now()
    agents = _held(found)
    fitting = [each for each in agents if not _unfit(deed, each, now)]
    if not fitting:
        raise NothingMatches
    if expected is not None and expected != len(fitting):
        raise NumberMoved(len(fitting))
    done, passed_over = [], [(each, _unfit(deed, each, now)) for each in agents if each not in fitting]
    for agent in fitting:
        try:
            with transaction.atomic():
                verb(agent)
            done.append(agent)
        except NotActive:
            passed_over.append((agent, str(_UNFIT[deed])))
        except (Ownerless, Unusable) as refusal:
            passed_over.append((agent, str(refusal)))
    return Outcome(tuple(done), tuple(passed_over))


def _held(found: "QuerySet[Agent]") -> Sequence[Agent]:
    agents = list(found.select_related("owner__user").order_by("pk")[: MOST + 1])
    if len(agents) > MOST:
        raise Unusable(gettext("More than %(most)s agents match. Narrow the list first.") % {"most": MOST})
    return agents


def _unfit(deed: Deed, agent: Agent, now: datetime) -> str:
    if deed == Deed.CONFIRM:
        return confirming.why_not(agent, now=now)
    is_over = agent.status == Agent.Status.RETIRED
    fits = not is_over if deed == Deed.OWNER else is_possible(Verb(deed.value), agent, now=now)
    return "" if fits else str(_UNFIT[deed])


def as_json(foreseen: Preview) -> Mapping[str, Any]:
    """Return a preview as a body says it."""
    return {
        "agents": [
            {
                "id": each.agent.pk,
                "name": each.agent.name,
                "people": each.people,
                "delegations": each.delegations,
                "possible": not each.unfit,
                "why_not": each.unfit,
            }
            for each in foreseen.agents
        ],
        "possible": foreseen.fitting,
        "people": foreseen.people,
        "delegations": foreseen.delegations,
    }
