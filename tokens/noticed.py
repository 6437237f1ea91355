"""What is worth knowing of agents beside what they are: one statement for as many as a page holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, QuerySet, TextField
from django.db.models.functions import Cast

from agents import credentials, logos, ranking, risk
from agents.models import Agent, Client
from agents.risk import Risk
from delegations.models import Delegation
from kit import moments, one_statement
from tokens.checking import history
from tokens.models import AccessToken

REFUSED, REACHED, USED = "refused", "reached", "used"


@dataclass(frozen=True, slots=True)
class Noticed:
    """When its oldest secret that is good was made, how often it was refused within a week, and its risks.

    For how many people it acts, at how many resources, and when it last asked for a token.
    """

    oldest_at: datetime | None
    refused: int
    risks: tuple[Risk, ...]
    people: int
    resources: int
    last_used_at: datetime | None
    pictured: frozenset[str]
    """The keys of the clients that have a logo, of all the agents that were asked about."""

    @property
    def is_high(self) -> bool:
        return any(each.is_high for each in self.risks)


def of_agents(agents: Sequence[Agent], *, now: datetime) -> Mapping[str, Noticed]:
    """Return it by the agent's id; their clients are fetched before."""
    ids = [each.pk for each in agents]
    active = Client.Status.ACTIVE
    clients = {each.pk: [client for client in each.clients.all() if client.status == active] for each in agents}
    at_work = [each.pk for each in agents if each.status in risk.AT_WORK]
    # Of what an admin made nobody asks whom it is like, nor what it may change.
    strange = [pk for pk in at_work if any(not client.is_manual for client in clients[pk])]
    late = history.refusals_of(ids, since=now - ranking.LATELY).values("through")
    refusals = one_statement.part(late, REFUSED, key=F("through"), number=Count("pk"))
    further = risk.parts(Agent.objects.filter(pk__in=strange), now) if strange else ()
    pictures = logos.part(Client.objects.filter(agent__in=ids))
    found = one_statement.ask([refusals, *_use(ids, now), pictures, *further])
    pictured = frozenset(line.key for line in found.get(logos.LOGOS, ()))
    refused = {line.key: line.number for line in found.get(REFUSED, ())}
    reached = {line.key: (line.number, int(line.text)) for line in found.get(REACHED, ())}
    used = {line.key: moments.of_database(line.text) for line in found.get(USED, ())}
    beside = risk.beside(found)
    risks = {pk: tuple(risk.of_agent(pk, clients[pk], beside, now=now)) for pk in at_work}
    oldest = {pk: credentials.oldest_at(credentials.good_secrets(clients[pk])) for pk in ids}
    return {
        pk: Noticed(oldest[pk], refused.get(pk, 0), risks.get(pk, ()), *reached.get(pk, (0, 0)), used.get(pk), pictured)
        for pk in ids
    }


def _use(ids: Sequence[str], now: datetime) -> Sequence["QuerySet[Any, Any]"]:
    """Return the questions for whom agents act and when they last did: each goes through what there is of them once."""
    live = Delegation.objects.live(now).filter(agent__in=ids).order_by().values("agent_id")
    counts = {"people": Count("member", distinct=True), "resources": Count("audience", distinct=True)}
    tokens = AccessToken.objects.filter(delegation__agent__in=ids).order_by().values("delegation__agent_id")
    latest = tokens.annotate(latest=Cast(Max("created"), TextField()))
    return (
        one_statement.part(
            live.annotate(**counts), REACHED, key=F("agent_id"), number=F("people"), text=Cast("resources", TextField())
        ),
        one_statement.part(latest, USED, key=F("delegation__agent_id"), text=F("latest")),
    )
