"""Around an agent: who lets it act, who works for it, and where. Pure reading, and bounded whatever it holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet

from agents.models import Agent
from delegations.models import Delegation, DelegationQuerySet
from tokens import impact

if TYPE_CHECKING:  # The stubs are not installed where the product runs.
    from tokens.impact import UsedDelegation

MOST = 200
"""How many delegations of each kind are looked at: the newest. All of them are counted in tokens.impact."""


@dataclass(frozen=True, slots=True)
class Around:
    """The live delegations that an agent holds, and those that it handed on; the ones used last come first."""

    held: "Sequence[UsedDelegation]"
    handed_on: "Sequence[UsedDelegation]"

    @property
    def last_used_at(self) -> datetime | None:
        return next((each.last_used_at for each in self.held), None)

    def drawn(self, agent: Agent) -> list[str]:
        """Return the agent and those that it handed something on to."""
        return [agent.pk, *sorted({each.agent_id for each in self.handed_on if each.agent_id} - {agent.pk})]

    def as_json(self) -> Mapping[str, Any]:
        return {"held": [_line(each) for each in self.held], "handed_on": [_line(each) for each in self.handed_on]}


def of_agent(agent: Agent, *, now: datetime) -> Around:
    """Return what is around an agent, in one query."""
    # One list of ids, each part with an end of its own: as in tokens.impact, two conditions would read a whole tenant.
    held, handed_on = (_newest(Delegation.objects.live(now).filter(**{of: agent})) for of in ("agent", "parent__agent"))
    related = ("member__user", "agent", "client", "resource_server", "parent__agent", "elsewhere")
    rows = impact.with_use(Delegation.objects.filter(pk__in=held.union(handed_on))).select_related(*related)
    found = sorted(rows, key=_freshness, reverse=True)
    return Around(
        held=[each for each in found if each.agent_id == agent.pk],
        handed_on=[each for each in found if each.parent is not None and each.parent.agent_id == agent.pk],
    )


def _newest(rows: DelegationQuerySet) -> "QuerySet[Delegation, Any]":
    return Delegation.objects.filter(pk__in=rows.order_by("-pk").values("pk")[:MOST]).order_by().values("pk")


def _freshness(delegation: "UsedDelegation") -> tuple[bool, datetime]:
    used = delegation.last_used_at
    return used is not None, used or delegation.created_at


def _line(delegation: "UsedDelegation") -> Mapping[str, Any]:
    """Return a delegation as a body says it: from whom, to whom, where, and until when."""
    giver = delegation.parent.agent if delegation.parent else None
    return {
        "delegation": delegation.pk,
        "subject": delegation.subject,
        "subject_name": str(delegation.member) if delegation.member else "",
        "from_agent": giver.pk if giver else "",
        "from_agent_name": giver.name if giver else "",
        "agent": delegation.agent_id or "",
        "agent_name": delegation.agent.name if delegation.agent else delegation.client.name,
        "resource": delegation.audience,
        "scopes": sorted(delegation.scopes),
        "expires_at": delegation.expires_at,
        "last_used_at": delegation.last_used_at,
    }
