"""Which scopes an agent has held for long and asked no token for: what its ceiling could do without.

Of use nothing is kept but tokens, for ninety days: a token says what was asked for and given, not each call that was
made with it. A scope counts as used where a token of the agent, or of what it handed on, holds it.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, QuerySet, TextField
from django.db.models.functions import Cast, Coalesce

from agents.models import Agent, AssertionRule
from delegations.models import Ancestry, Delegation
from kit import one_statement
from kit.one_statement import Line
from tenants import directory
from tokens.models import AccessToken

WINDOW = timedelta(days=60)
MOST = 20_000
"""How many tokens are looked at. Of an agent that got more, nothing is said."""
Scopes = Mapping[str, frozenset[str]]
HELD, ASKED, ELSEWHERE = "held for long", "asked of late", "elsewhere"


@dataclass(frozen=True, slots=True)
class Unused:
    """By resource, what it has held since before `since`, and which of that no token of that time holds."""

    since: datetime
    tokens: int
    held: Scopes
    unused: Scopes

    @property
    def held_count(self) -> int:
        return sum(map(len, self.held.values()))

    @property
    def used_count(self) -> int:
        return self.held_count - sum(map(len, self.unused.values()))

    def as_json(self) -> Mapping[str, Any]:
        """Return it as a body says it."""
        return {
            "since": self.since.isoformat(),
            "tokens": self.tokens,
            "held": {at: sorted(names) for at, names in sorted(self.held.items())},
            "unused": {at: sorted(names) for at, names in sorted(self.unused.items())},
        }


def of_agent(agent: Agent, *, now: datetime) -> Unused | None:
    """Return what an agent holds and does not use; None where it uses all of it, nothing, or too much to tell."""
    parts = parts_of_agent(agent, now)
    return told(agent, one_statement.ask(parts), now) if parts else None


def parts_of_agent(agent: Agent, now: datetime) -> list["QuerySet[Any, Any]"]:
    """Return the questions whose answers `told` reads, for a statement that may ask more; none of a young agent."""
    since = now - WINDOW
    if agent.created_at >= since:
        return []  # It has held nothing for that long, and nobody has to ask.
    held = _live(agent, now).annotate(began=Coalesce("consent__created_at", F("created_at")))
    # What was allowed anew or widened later counts from then: its consent is that one.
    long_held = held.filter(began__lt=since).annotate(text=Cast("scopes", TextField())).values("audience", "text")
    rules = AssertionRule.objects.filter(client__agent=agent).values("client").distinct()
    return [
        one_statement.part(long_held.distinct(), HELD, key=F("audience"), text=F("text")),
        one_statement.part(_tokens(agent, since), ASKED, key=F("audience"), text=F("scope"), number=Count("pk")),
        one_statement.part(rules, ELSEWHERE, key=F("client")),
    ]


def told(agent: Agent, found: Mapping[str, list[Line]], now: datetime) -> Unused | None:
    """Return what `of_agent` does by the lines of a statement."""
    held = _by_resource(agent, ((line.key, json.loads(line.text)) for line in found.get(HELD, ())))
    asked = found.get(ASKED, ()) if held else ()
    number = sum(line.number for line in asked)
    if not 0 < number <= MOST:
        return None
    used = defaultdict(set)
    for line in asked:
        used[line.key].update(line.text.split())
    unused = {at: left for at, names in held.items() if (left := names - used[at])}
    made = Unused(now - WINDOW, number, held, unused)
    # A first ceiling would cut what it gets at other authorization servers, which nobody ticks here.
    is_granted_elsewhere = agent.ceiling is None and bool(found.get(ELSEWHERE))
    return made if unused and made.used_count and not is_granted_elsewhere else None


def ceiling_without(agent: Agent, found: Unused, *, now: datetime) -> dict[str, list[str]]:
    """Return the ceiling of an agent, or else all that it holds, but for what it does not use."""
    bound = (
        agent.ceiling
        if agent.ceiling is not None
        else _by_resource(agent, _live(agent, now).values_list("audience", "scopes").distinct())
    )
    left = {at: sorted(frozenset(names) - found.unused.get(at, frozenset())) for at, names in bound.items()}
    return {at: names for at, names in left.items() if names}


def _live(agent: Agent, now: datetime) -> "QuerySet[Delegation]":
    return Delegation.objects.live(now).filter(agent=agent).order_by()


def _by_resource(agent: Agent, lines: Iterable[tuple[str, list[str]]]) -> Scopes:
    """Return scopes that are left under the ceiling, of resources that are served here."""
    found: dict[str, set[str]] = defaultdict(set)
    for audience, scopes in lines:
        protected = directory.resource_server(audience)
        known = frozenset(protected.scopes) if protected else frozenset()
        found[audience] |= agent.under_ceiling(audience, known & frozenset(scopes))
    return {audience: frozenset(names) for audience, names in found.items() if names}


def _tokens(agent: Agent, since: datetime) -> "QuerySet[Any, Any]":
    """Return what its tokens of late hold, each once: of at most one more token than is looked at."""
    # One list of ids: as in tokens.impact, two conditions would read a whole tenant.
    own = Delegation.objects.filter(agent=agent).order_by().values("pk")
    below = Ancestry.objects.filter(ancestor__agent=agent).order_by().values("delegation")
    late = AccessToken.objects.filter(delegation__in=own.union(below), created__gte=since)
    looked_at = AccessToken.objects.filter(pk__in=late.order_by().values("pk")[: MOST + 1])
    return looked_at.order_by().values("audience", "scope")
