"""What somebody should look at twice about an agent, in words, with the rule that says so. Nothing here decides.

It is judged once for all: for the card of a question, the list of agents, and the word that narrows either.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from agents import writing
from agents.models import Agent, Approval, Client
from kit import looks, one_statement, uris
from kit.one_statement import Line

NEW = timedelta(days=7)
AT_WORK = frozenset({Agent.Status.ACTIVE, Agent.Status.PENDING, Agent.Status.SUSPENDED})
"""Of which agents a risk is spoken: the others do nothing."""
MANUAL = Client.RegistrationSource.MANUAL
Names = Mapping[str, Sequence[tuple[str, str]]]
"""Agents that act, each with its id and its name, by what the name looks like."""
NAMES = "names"


@dataclass(frozen=True, slots=True)
class Risk:
    """A rule that fired, what it says to a person, and whether it is grave."""

    rule: str
    words: str
    is_high: bool = False


@dataclass(frozen=True, slots=True)
class Beside:
    """What agents are judged beside: who acts here, by what their names look like, and who may change things."""

    names: Names
    writers: frozenset[str]


def of(approval: Approval, *, now: datetime, known: Names | None = None) -> list[Risk]:
    """Return the risks of approving, the gravest first; whoever asks about many brings the names that are `known`."""
    client = approval.client
    if client is None:
        return []
    known = names() if known is None else known
    words = _("Nobody has checked who runs it, and it asks to change things.")
    return _of(client, known, words if writing.is_among(approval.asked) else "", now=now)


def of_agent(agent_id: str, clients: Iterable[Client], beside: Beside, *, now: datetime) -> list[Risk]:
    """Return the risks of an agent by its clients, the gravest first."""
    may_write = agent_id in beside.writers
    words = _("Nobody has checked who runs it, and it may change things.") if may_write else ""
    found = [risk for client in clients for risk in _of(client, beside.names, words, now=now)]
    return sorted({risk.rule: risk for risk in found}.values(), key=lambda risk: not risk.is_high)


def parts(agents: "QuerySet[Agent]", now: datetime) -> list["QuerySet[Any, Any]"]:
    """Return the questions whose answers `beside` reads, for a statement that may ask more."""
    return [names_part(), *writing.parts(agents, now)]


def beside(found: Mapping[str, list[Line]]) -> Beside:
    """Return what agents are judged beside, by the lines of a statement."""
    return Beside(names_in(found), writing.writers(found))


def high_approvals(approvals: "QuerySet[Approval]", *, now: datetime) -> list[str]:
    """Return those of some questions of which a grave rule speaks."""
    strange = approvals.filter(client__isnull=False).exclude(client__registration_source=MANUAL)
    found = strange.order_by().prefetch_related(None).select_related(None).select_related("client")
    return [each.pk for each in high_among(list(found), now=now)]


def high_among(approvals: Sequence[Approval], *, now: datetime) -> list[Approval]:
    """Return those of some questions, each with its client, of which a grave rule speaks."""
    strange = [each for each in approvals if each.client and each.client.registration_source != MANUAL]
    known = names() if strange else {}
    return [each for each in strange if any(risk.is_high for risk in of(each, now=now, known=known))]


def names() -> Names:
    """Return the agents that act by what their names look like, in one statement."""
    return _by_looks(_acting().values_list("pk", "name"))


def names_part() -> "QuerySet[Any, Any]":
    """Return the question for the same, for a statement that asks more (`names_in`)."""
    return one_statement.part(_acting(), NAMES, key=F("pk"), shown=F("name"))


def names_in(found: Mapping[str, list[Line]]) -> Names:
    """Return the same by the lines of a statement."""
    return _by_looks((line.key, line.shown) for line in found.get(NAMES, ()))


def _of(client: Client, known: Names, writes: str, *, now: datetime) -> list[Risk]:
    """Return what the rules say of a client; `writes` is how it is said that it changes things, if it does."""
    found = [
        Risk("unverified-writes", writes, is_high=True) if writes and not client.is_verified else None,
        _looks_alike(client, known),
        _odd_letters(client),
        _only_this_computer(client),
        _is_new(client, now),
    ]
    return [risk for risk in found if risk is not None]


def _acting() -> "QuerySet[Agent]":
    """Return the agents whose names others may be taken for."""
    return Agent.objects.filter(status=Agent.Status.ACTIVE)


def _by_looks(agents: Iterable[tuple[str, str]]) -> Names:
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for pk, name in agents:
        found[looks.skeleton(name)].append((pk, name))
    return found


def _looks_alike(client: Client, known: Names) -> Risk | None:
    if client.is_manual:
        return None
    others = known.get(looks.skeleton(client.name), ())
    alike = next((name for pk, name in others if pk != client.agent_id), None)
    words = _("Its name looks like that of %(other)s, which is approved.") % {"other": alike}
    return Risk("look-alike", words, is_high=True) if alike else None


def _odd_letters(client: Client) -> Risk | None:
    if client.is_manual or not looks.has_odd_letters(client.name):
        return None
    words = _("Its name holds letters that look like others, or that nobody sees.")
    return Risk("odd-letters", words, is_high=True)


def _only_this_computer(client: Client) -> Risk | None:
    if not client.redirect_uris or not all(uris.is_loopback(uri) for uri in client.redirect_uris):
        return None
    return Risk("loopback-only", _("It returns to programs on people's own computers: any of them can claim its name."))


def _is_new(client: Client, now: datetime) -> Risk | None:
    if client.is_verified or now - client.created > NEW:
        return None
    return Risk("new", _("It came here less than a week ago."))
