"""Numbers on tiles: what each counts, a word about it, and the list behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, ngettext

from agents import credentials
from agents.models import Agent, Client
from console.admin.agent_facts import Facts
from delegations.sentence import in_words
from tokens.around import Around
from tokens.checking import history


@dataclass(frozen=True, slots=True)
class Tile:
    """A number, what it counts, a word about it, and the list behind it."""

    label: str | Promise
    number: int | str
    note: str | Promise
    url: str


def of_agent(
    agent: Agent, held: Around, facts: Facts, clients: Sequence[Client], *, now: datetime, time_zone: str
) -> list[Tile]:
    """Return an agent's numbers: whom it acts for, its tokens of a day, what was refused, and how it comes in."""
    reach, refused = facts.reach, facts.refused
    day = now + timedelta(days=1)
    soon = sum(1 for each in held.held if each.expires_at and each.expires_at <= day)
    ends = ngettext("%(n)s ends within a day", "%(n)s end within a day", soon) % {"n": soon}
    people = ngettext("person", "people", reach.people)
    latest = held.last_used_at
    used = gettext("last used %(when)s") % {"when": in_words(latest, now=now, time_zone=time_zone)}
    when = in_words(refused[0].at, now=now, time_zone=time_zone) if refused else ""
    number = f"{history.MOST}+" if len(refused) > history.MOST else len(refused)
    return [
        Tile(gettext_lazy("Acting for"), reach.people, ends if soon else people, _delegations(agent)),
        Tile(
            gettext_lazy("Tokens, 24 hours"), facts.tokens_of_a_day,
            used if latest else gettext_lazy("never used"),
            reverse("agent-tokens", args=[agent.pk]),
        ),
        Tile(
            gettext_lazy("Refused, 7 days"), number,
            when or gettext_lazy("nothing was refused"),
            f"{reverse('agent-activity', args=[agent.pk])}?refused=requests",
        ),
        _oldest(clients, now) or Tile(gettext_lazy("Ways in"), len(clients), gettext_lazy("without a secret"), "#ways"),
    ]  # fmt: skip


def _delegations(agent: Agent) -> str:
    return f"{reverse('console-delegations')}?agent={agent.pk}"


def _oldest(clients: Sequence[Client], now: datetime) -> Tile | None:
    """Return how old the oldest secret is that is good: of keys nobody says when they were made."""
    made = credentials.good_secrets(clients)
    oldest = credentials.oldest_at(made)
    if oldest is None:
        return None
    days = (now - oldest).days
    words = ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
    note = ngettext("%(n)s secret is good", "%(n)s secrets are good", len(made)) % {"n": len(made)}
    return Tile(gettext_lazy("Oldest secret"), words, note, "#ways")
