"""One agent: what it is, who answers for it, how it comes in, and what would end with it."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from agents import confirming, owners, owning
from agents.handovers import BOUNDED
from agents.models import Agent, Client
from agents.rules import Verb, is_possible, restorable_until
from console import neighbours, tiles
from console.access import for_agent
from console.admin import agent_facts, ceilings
from console.impact_words import impact_words
from console.needs import Needs
from console.rows import impersonates, publisher
from delegations.sentence import clock_words, in_words
from kit.oauth import AuthMethod
from tenants.models import Membership
from tenants.roles import Act, may
from tenants.rules import is_here, may_see_console
from tokens import around
from tokens.checking.history import Refusal
from tokens.endpoints.request import MemberRequest

WAYS_IN = {
    AuthMethod.NONE: gettext_lazy("Nothing: whoever knows its id may say that they are it"),
    AuthMethod.SECRET_BASIC: gettext_lazy("A secret"),
    AuthMethod.SECRET_POST: gettext_lazy("A secret"),
    AuthMethod.PRIVATE_KEY_JWT: gettext_lazy("A key"),
    AuthMethod.FEDERATED: gettext_lazy("A platform's token"),
}
REGISTERED = {
    Client.RegistrationSource.MANUAL: gettext_lazy("By an admin"),
    Client.RegistrationSource.DCR: gettext_lazy("By itself"),
    Client.RegistrationSource.CIMD: gettext_lazy("By a document"),
}


@for_agent(Act.AGENTS_READ)
def view(request: MemberRequest, agent_id: str) -> HttpResponse:
    now, zone, member = timezone.now(), request.tenant.time_zone, request.member
    people = ("owner__user", "sponsor__user", "successor__user", "confirmed_by__user")
    theirs = Exists(owning.theirs(member).filter(pk=OuterRef("pk")))
    agent = get_object_or_404(Agent.objects.select_related(*people).annotate(is_theirs=theirs), pk=agent_id)
    is_theirs: bool = agent.is_theirs  # type: ignore[attr-defined]  # Annotated above.
    clients, held = list(agent.clients.order_by("pk")), around.of_agent(agent, now=now)
    may_bound = may(member, Act.AGENTS_WRITE) and agent.status in BOUNDED
    facts = agent_facts.of(agent, held, clients, now=now, is_bounded=may_bound)
    content = {
        "agent": agent,
        "publisher": publisher(clients[0]) if clients else "",
        "is_verified": bool(clients) and clients[0].is_verified,
        "co_owners": facts.owners,
        "notices": _notices(agent, request),
        "hands_to": facts.handovers[agent_facts.TO],
        "handed_to_by": facts.handovers[agent_facts.BY],
        "approved": ceilings.approved(agent, facts.people),
        "clients": [client_row(each) for each in clients],
        "impact": impact_words(facts.reach, now=now, time_zone=zone),
        "tiles": tiles.of_agent(agent, held, facts, clients, now=now, time_zone=zone),
        "drawing": neighbours.drawing(
            agent, held, people=facts.reach.people, refused=facts.refused_at, now=now, time_zone=zone
        ),
        "refused": _newest(facts.refused, request),
        "about": {"by": facts.registered_by, "changed": facts.changed},
        "digests": [each.digest for each in clients if each.is_document],
        "verbs": _verbs(agent, member, is_theirs),
        "lacks": _lacks(agent, request, is_theirs),
        "may_confirm": confirming.is_asked(agent) and is_theirs,
        "is_asked": confirming.is_asked(agent),
        "looks_after": may_see_console(request.member),
        "may_bound": may_bound,
        "proposal": ceilings.proposal(agent, facts.unused),
        "may_turn_keys": _may_turn_keys(agent, clients, may(member, Act.CREDENTIALS_WRITE) or is_theirs),
        "may_change": request.member.is_admin and agent.status != Agent.Status.RETIRED,
    }
    return render(request, "console/agent.html", content)


def _verbs(agent: Agent, member: Membership, is_theirs: bool) -> dict[str, bool]:
    """Return which verbs are possible now, and whoever reads may do."""
    now = timezone.now()
    return {verb.value: is_possible(verb, agent, now=now) and owning.may_do(member, verb, is_theirs) for verb in Verb}


def _may_turn_keys(agent: Agent, clients: Sequence[Client], may_turn: bool) -> bool:
    """Say whether there is anything that proves it, and whoever reads may put another one beside that."""
    return may_turn and agent.status != Agent.Status.RETIRED and not all(each.is_public for each in clients)


def _lacks(agent: Agent, request: MemberRequest, is_theirs: bool) -> str:
    """Say what somebody needs to stop an agent, if it could be stopped and they may not."""
    may_stop = owning.may_do(request.member, Verb.PAUSE, is_theirs)
    return "" if may_stop or agent.status == Agent.Status.RETIRED else Needs(request.member)["AGENTS_PAUSE"]


def _newest(refused: Sequence[Refusal], request: MemberRequest) -> dict[str, str] | None:
    """Return the newest refusal: when it was, and what the log says of it."""
    if not refused:
        return None
    when = in_words(refused[0].at, now=timezone.now(), time_zone=request.tenant.time_zone)
    return {"id": refused[0].id, "when": when, "reason": refused[0].reason}


def client_row(client: Client) -> dict[str, Any]:
    """Return a client as lists of an agent's ways in show it."""
    return {
        "id": client.pk,
        "name": client.name,
        "client_id": client.client_id,
        "is_active": client.status == Client.Status.ACTIVE,
        "way_in": WAYS_IN[AuthMethod(client.auth_method)],
        "how_registered": REGISTERED[client.registration_source],
        "impersonates": impersonates(client),
    }


def _notices(agent: Agent, request: MemberRequest) -> list[str]:
    """Return what somebody has to do something about, in words."""
    now, zone = timezone.now(), request.tenant.time_zone
    until = restorable_until(agent)
    if agent.status == Agent.Status.RETIRED:
        if until is None or until <= now:
            return [gettext("It ended for good. What it did stays on record.")]
        words = gettext("It ended. It may be restored %(until)s.")
        return [words % {"until": clock_words(until, now=now, time_zone=zone)}]
    if agent.owner is None:
        return [gettext("Nobody answers for it. Once it is paused it does not act again before somebody does.")]
    if is_here(agent.owner):
        return []
    if agent.owner_left_at is None:
        return [gettext("%(owner)s is not here any more.") % {"owner": agent.owner}]
    when = in_words(agent.owner_left_at + owners.grace(), now=now, time_zone=zone)
    words = gettext("%(owner)s is not here any more. Unless somebody takes it over, it is paused %(when)s.")
    if is_here(agent.successor):
        words = gettext("%(owner)s is not here any more. Unless somebody takes it over, %(next)s follows %(when)s.")
    return [words % {"owner": agent.owner, "next": agent.successor, "when": when}]
