"""What is worth knowing of agents beside what they are: one statement for as many as a page holds."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import CharField, Count, F, QuerySet, Value

from agents import credentials, risk, writing
from agents.models import Agent, Client
from agents.risk import Risk
from tokens.checking import history

LATELY = timedelta(days=7)
ACTIVE = Client.Status.ACTIVE
# The parts of the one statement: each says in its first column what its lines are.
REFUSED, NAMES, WRITERS = "refused", "names", "writers"


@dataclass(frozen=True, slots=True)
class Noticed:
    """When its oldest secret that is good was made, how often it was refused within a week, and its risks."""

    oldest_at: datetime | None
    refused: int
    risks: tuple[Risk, ...]

    @property
    def is_high(self) -> bool:
        return any(each.is_high for each in self.risks)


def of_agents(agents: Sequence[Agent], *, now: datetime) -> Mapping[str, Noticed]:
    """Return it by the agent's id; their clients are fetched before."""
    ids = [each.pk for each in agents]
    clients = {each.pk: [client for client in each.clients.all() if client.status == ACTIVE] for each in agents}
    at_work = [each.pk for each in agents if each.status in risk.AT_WORK]
    # Of what an admin made nobody asks whom it is like, nor what it may change.
    strange = [pk for pk in at_work if any(not client.is_manual for client in clients[pk])]
    found = _read(ids, strange, now)
    refused = {key: number for key, _, number in found[REFUSED]}
    known = risk.by_looks((key, name) for key, name, _ in found[NAMES])
    writers = {key for key, _, _ in found[WRITERS]}
    risks = {pk: tuple(risk.of_agent(clients[pk], known, is_writing=pk in writers, now=now)) for pk in at_work}
    oldest = {pk: credentials.oldest_at(credentials.good_secrets(clients[pk])) for pk in ids}
    return {pk: Noticed(oldest[pk], refused.get(pk, 0), risks.get(pk, ())) for pk in ids}


def _read(ids: Sequence[str], strange: Sequence[str], now: datetime) -> Mapping[str, list[Any]]:
    """Return the lines of every part: a key, a name and a number."""
    late = history.refusals_of(ids, since=now - LATELY).values("through")
    parts = [_lines(late, REFUSED, key=F("through"), number=Count("pk"))]
    if strange:
        holding = Agent.objects.filter(writing.held(now), pk__in=strange).order_by()
        parts += [_lines(risk.acting().order_by(), NAMES, key=F("pk"), shown=F("name"))]
        parts += [_lines(holding, WRITERS, key=F("pk"))]
    found = defaultdict(list)
    for kind, *line in parts[0].union(*parts[1:], all=True):
        found[kind].append(line)
    return found


def _lines(rows: "QuerySet[Any, Any]", kind: str, **columns: Any) -> "QuerySet[Any, Any]":
    """Return rows in the columns that every part of the statement has."""
    empty = {"key": Value("", CharField()), "shown": Value("", CharField()), "number": Value(0)}
    named = {f"the_{name}": columns.get(name, nothing) for name, nothing in empty.items()}
    lines: QuerySet[Any, Any] = rows.annotate(kind=Value(kind, CharField()), **named).values_list("kind", *named)
    return lines
