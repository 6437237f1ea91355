"""Where what would allow something is done: the very page, for those whose role lets them do it there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from agents.models import Agent
from tenants import directory
from tenants.models import Membership
from tenants.roles import Act, may
from tokens.checking.authority import Question
from tokens.checking.steps import FAILED, Step


@dataclass(frozen=True, slots=True)
class Place:
    """A page where something can be changed, and what it takes to change it there."""

    label: str | Promise
    url: str
    act: Act
    is_drafted: bool = False
    """Whether the form stands there filled in with the change."""


def places(question: Question, steps: Sequence[Step], member: Membership) -> list[Place]:
    """Return where the first no of a judgement can become a yes; none for whoever may not, or where nothing can."""
    failed = next((step for step in steps if step.verdict == FAILED), None)
    if failed is None or failed.name not in _PLACES:
        return []
    return [place for place in _PLACES[failed.name](question, failed) if may(member, place.act)]


def _agent(question: Question, failed: Step) -> list[Place]:
    agent = _named(question, failed)
    if agent.status == Agent.Status.PENDING:
        return [Place(_("Decide about it"), reverse("console-approvals"), Act.APPROVALS_DECIDE)]
    if agent.status == Agent.Status.SUSPENDED:
        return [Place(_("Resume it"), reverse("resume-agent", args=[agent.pk]), Act.AGENTS_PAUSE)]
    return [Place(_("Add another agent"), reverse("add-agent"), Act.AGENTS_WRITE)]


def _client(question: Question, failed: Step) -> list[Place]:
    page = reverse("console-agent", args=[_named(question, failed).pk])
    return [Place(_("Open the agent"), page, Act.CLIENTS_WRITE)]


def _person(question: Question, failed: Step) -> list[Place]:
    return [Place(_("Open the members"), reverse("console-members"), Act.MEMBERS_WRITE)]


def _resource(question: Question, failed: Step) -> list[Place]:
    url = f"{reverse('add-resource')}?{urlencode({'identifier': question.resource})}"
    return [Place(_("Add the resource"), url, Act.RESOURCES_WRITE, is_drafted=True)]


def _scopes(question: Question, failed: Step) -> list[Place]:
    known = directory.resource_server(question.resource)
    if known is None:
        return []
    missing = sorted(question.scopes - known.scopes.keys())
    url = f"{reverse('add-scope', args=[known.server.pk])}?{urlencode({'name': missing[0]})}"
    return [Place(_("Add the scope"), url, Act.RESOURCES_WRITE, is_drafted=True)]


def _delegation(question: Question, failed: Step) -> list[Place]:
    first = question.chain[0] if question.chain else question.agent
    words = {"agent": first.pk, **({"who": question.person.pk} if question.person else {})}
    url = f"{reverse('console-delegations')}?{urlencode(words)}"
    return [Place(_("See what it was allowed"), url, Act.AGENTS_READ)]


def _chain(question: Question, failed: Step) -> list[Place]:
    line = [*question.chain, question.agent]
    at = next((at for at, agent in enumerate(line) if agent.name == failed.said), 1)
    giver = line[max(at - 1, 0)]
    url = f"{reverse('agent-handovers', args=[giver.pk])}?{urlencode({'to': line[at].pk})}"
    return [Place(_("Say whom it may hand on to"), url, Act.AGENTS_WRITE, is_drafted=True)]


def _ceiling(question: Question, failed: Step) -> list[Place]:
    words = {"also": question.resource, "scope": " ".join(sorted(question.scopes))}
    url = f"{reverse('agent-ceiling', args=[question.agent.pk])}?{urlencode(words)}"
    return [Place(_("Raise what was approved"), url, Act.AGENTS_WRITE, is_drafted=True)]


def _named(question: Question, failed: Step) -> Agent:
    """Return the agent of the line that a step looked at."""
    return next((each for each in question.chain if each.name == failed.said), question.agent)


_PLACES: Mapping[str, Callable[[Question, Step], list[Place]]] = {
    "agent": _agent,
    "client": _client,
    "person": _person,
    "resource": _resource,
    "scopes": _scopes,
    "delegation": _delegation,
    "chain": _chain,
    "ceiling": _ceiling,
    "narrowing": _delegation,
}
"""By the step that said no."""
