"""The access check: may this agent do this there, for whom, right now? Nothing is issued, used up or changed.

The rules are those of a token request, and the last step asks the very function that narrows one (`tokens.rules`): what
passes here a token is issued for, as long as nothing changes in between.
"""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from agents import directory as agents_directory
from agents.models import Agent, Client
from audit.events import Event
from audit.ledger import record
from audit.principals import Principal
from delegations import parts
from delegations.errors import DelegationError
from delegations.models import Delegation
from delegations.rules import Handing, attenuate
from kit import context
from kit.oauth import OAuthError
from tenants import directory
from tenants.directory import Protected
from tenants.models import Membership, Tenant
from tokens.checking.steps import Check, Failed, Step, allows, walk
from tokens.rules import narrow
from tokens.values import Proof, TokenRequest


@dataclass(frozen=True, slots=True)
class Question:
    """Who, through whom, where and what. `chain` are the agents that authority passes before it comes to `agent`."""

    agent: Agent
    resource: str
    person: Membership | None = None
    """Nobody: the agent for itself."""
    chain: tuple[Agent, ...] = ()
    scopes: frozenset[str] = frozenset()
    """Empty: whatever can be had."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer: its steps, and until when what would be issued is good."""

    steps: tuple[Step, ...]
    scopes: frozenset[str] = frozenset()
    expires_at: datetime | None = None

    @property
    def is_allowed(self) -> bool:
        return allows(self.steps)


@dataclass
class _Walk:
    """What the steps find out for those behind them."""

    tenant: Tenant
    question: Question
    now: datetime
    protected: Protected | None = None
    held: Delegation | None = None
    verdict_scopes: frozenset[str] = frozenset()
    expires_at: datetime | None = None
    clients: dict[str, Client] = field(default_factory=dict)

    @property
    def line(self) -> tuple[Agent, ...]:
        return (*self.question.chain, self.question.agent)


@transaction.atomic
def judge(tenant: Tenant, question: Question, *, now: datetime, by: Principal) -> Verdict:
    """Answer a question, and write down that it was asked.

    Whoever changed a rule a moment ago asks about the changed one: nothing that is kept in process counts.
    """
    directory.forget(tenant)
    walking = _Walk(directory.tenant_by_slug(tenant.slug) or tenant, question, now)
    with context.use(walking.tenant):
        steps = walk(_checks(walking))
    verdict = Verdict(tuple(steps), walking.verdict_scopes, walking.expires_at)
    record(
        Event.CHECK_RUN,
        by=by,
        about=question.agent,
        on_behalf_of=question.person.pk if question.person else "",
        through=question.agent.pk,
        detail={
            "resource": question.resource[:512],
            "scopes": sorted(question.scopes),
            "chain": [agent.pk for agent in question.chain],
            "verdict": "allowed" if verdict.is_allowed else next(s.name for s in steps if s.reason),
        },
    )
    return verdict


def _checks(walking: _Walk) -> list[tuple[str, Check]]:
    checks: list[tuple[str, Check]] = [
        ("agent", lambda: _agents(walking)),
        ("client", lambda: _clients(walking)),
        ("person", lambda: _person(walking)),
        ("resource", lambda: _resource(walking)),
        ("scopes", lambda: _known_scopes(walking)),
        ("delegation", lambda: _delegation(walking)),
    ]
    if walking.question.chain:
        checks.append(("chain", lambda: _chain(walking)))
    return [*checks, ("ceiling", lambda: _ceiling(walking)), ("narrowing", lambda: _narrowed(walking))]


def _agents(walking: _Walk) -> str:
    """Every agent on the way has to be active: status is asked for at each use."""
    for agent in walking.line:
        if agent.status != Agent.Status.ACTIVE:
            remedy = {
                Agent.Status.PENDING: _("An approver decides about it under Approvals."),
                Agent.Status.SUSPENDED: _("An admin resumes it under Agents."),
            }.get(Agent.Status(agent.status), _("It stays as it is: another agent has to be registered."))
            words = agent.get_status_display().lower()
            raise Failed(
                _("%(agent)s is not active: %(status)s.") % {"agent": agent.name, "status": words},
                remedy=remedy,
                said=agent.name,
            )
    return " → ".join(agent.name for agent in walking.line)


def _clients(walking: _Walk) -> str:
    """Who hands on or receives needs a client that can prove itself; the first one needs any that is active."""
    for place, agent in enumerate(walking.line):
        found = Client.objects.select_related("agent", "resource_server").filter(agent=agent)
        active = [client for client in found.order_by("pk") if client.status == Client.Status.ACTIVE]
        if place:
            active = [client for client in active if not client.is_public]
        if not active:
            what = _("no confidential client") if place else _("no active client")
            remedy = _("Register a client for it, or let one that was switched off speak again.")
            raise Failed(
                _("%(agent)s has %(what)s.") % {"agent": agent.name, "what": what}, remedy=remedy, said=agent.name
            )
        walking.clients[agent.pk] = active[0]
    return walking.clients[walking.question.agent.pk].client_id


def _person(walking: _Walk) -> str:
    person = walking.question.person
    if person is None:
        return _("%(agent)s, for itself") % {"agent": walking.line[0].name}
    if person.status != Membership.Status.ACTIVE or not person.user.is_active:
        raise Failed(
            _("%(person)s is not active here.") % {"person": person},
            remedy=_("An admin lets the person in again."),
            said=str(person),
        )
    return str(person)


def _resource(walking: _Walk) -> str:
    identifier = walking.question.resource
    walking.protected = directory.resource_server(identifier)
    if walking.protected is None:
        remedy = _("Register the resource, or name it exactly as it is registered.")
        raise Failed(_("No resource of this organisation has this identifier."), remedy=remedy, said=identifier)
    return walking.protected.server.name


def _known_scopes(walking: _Walk) -> str:
    assert walking.protected is not None
    asked = walking.question.scopes
    if unknown := asked - walking.protected.scopes.keys():
        words = " ".join(sorted(unknown))
        raise Failed(
            _("%(resource)s does not know %(scopes)s.") % {"resource": walking.protected.server.name, "scopes": words},
            remedy=_("Ask for what it has."),
        )
    return " ".join(sorted(asked)) or _("whatever can be had")


def _delegation(walking: _Walk) -> str:
    """Find what the first agent holds from the person: at the resource, or where a chain may start from towards it."""
    first, asked = walking.line[0], walking.question.resource
    subject = walking.question.person.pk if walking.question.person else first.pk
    held = Delegation.objects.live(walking.now).filter(subject=subject, agent=first, parent=None, elsewhere=None)
    live = list(held.select_related("client__agent").order_by("-pk"))
    here = [each for each in live if each.audience == asked]
    if not here and walking.question.chain:
        here = [each for each in live if directory.downstream(each.audience, asked) is not None]
    if not here:
        raise _no_delegation(walking, subject, first)
    walking.held = max(here, key=lambda each: len(each.scope_set & walking.question.scopes))
    walking.clients[first.pk] = walking.held.client
    return walking.held.pk


def _no_delegation(walking: _Walk, subject: str, first: Agent) -> Failed:
    at = walking.protected.server.name if walking.protected else ""
    over = Q(ended_at__isnull=False) | Q(expires_at__lte=walking.now)
    ended = Delegation.objects.filter(over, subject=subject, agent=first, audience=walking.question.resource)
    person = walking.question.person
    who = str(person) if person else _("An admin")
    asks = _("%(who)s allows it on the consent page, when the agent asks.")
    remedy = (asks if person else _("%(who)s allows it.")) % {"who": who}
    if last := ended.order_by("-pk").first():
        how = last.ended_reason or _("it reached its end")
        return Failed(
            _("%(id)s: %(who)s let %(agent)s act at %(place)s, and that is over (%(how)s).")
            % {"id": last.pk, "who": who, "agent": first.name, "place": at, "how": how},
            remedy=remedy,
        )
    by_person = _("Nobody lets %(agent)s act for %(person)s at %(place)s.")
    words = by_person if person else _("Nobody lets %(agent)s act at %(place)s.")
    return Failed(words % {"agent": first.name, "person": person, "place": at}, remedy=remedy)


def _chain(walking: _Walk) -> str:
    """Hand on from agent to agent, as exchanges would: each hop is judged by the rule that makes a part."""
    assert walking.held is not None
    names = []
    for place, agent in enumerate(walking.line[1:], start=1):
        is_last = place == len(walking.line) - 1
        target = walking.question.resource if is_last else walking.held.audience
        walking.held = _hop(walking, walking.held, walking.clients[agent.pk], target, is_last=is_last)
        names.append(agent.name)
    return " → ".join(names)


def _hop(walking: _Walk, held: Delegation, to: Client, target: str, *, is_last: bool) -> Delegation:
    protected = directory.resource_server(target)
    assert protected is not None
    assert to.agent is not None
    handing = Handing(
        parent=held,
        to=to,
        server=protected.server,
        held=held.scope_set,
        asked=walking.question.scopes if is_last else frozenset(),
        edge=directory.downstream(held.audience, target),
        is_named=to.agent_id in agents_directory.helpers(held.agent_id or ""),
        is_called=to.resource_server is not None and to.resource_server.identifier == held.audience,
        kept_here=directory.kept_scopes(held.audience),
        kept_there=protected.kept_scopes,
    )
    try:
        return parts.planned(attenuate(handing, walking.tenant, now=walking.now))
    except DelegationError as error:
        way = _("An admin names the agent that may receive part of it, and the person agrees, or draws the way there.")
        raise Failed(
            _("Nothing reaches %(agent)s: %(error)s.") % {"agent": to.agent.name, "error": error},
            remedy=way,
            said=to.agent.name,
        ) from error


def _ceiling(walking: _Walk) -> str:
    agent, asked = walking.question.agent, walking.question.scopes
    if agent.ceiling is None:
        return _("no ceiling")
    left = agent.under_ceiling(walking.question.resource, asked)
    allowed = " ".join(sorted(agent.ceiling.get(walking.question.resource, ()))) or "nothing"
    if asked - left:
        above = " ".join(sorted(asked - left))
        remedy = _("Whoever approves agents raises what this one may ever get here.")
        raise Failed(
            _("What was approved for %(agent)s here does not have %(scopes)s.")
            % {"agent": agent.name, "scopes": above},
            remedy=remedy,
            said=allowed,
        )
    return allowed


def _narrowed(walking: _Walk) -> str:
    """Ask the rule of a token request: tenant, audience, scopes, delegation, life."""
    held, question = walking.held, walking.question
    assert held is not None
    proof = Proof(
        tenant=walking.tenant,
        subject=held.subject,
        actor=question.agent if question.person else None,
        client=walking.clients[question.agent.pk],
        scopes=held.scope_set,
        delegations=(held,),
        may_infer_audience=True,
    )
    form = {"resource": (question.resource,), "scope": (" ".join(sorted(question.scopes)),)}
    try:
        authorization = narrow(proof, TokenRequest(form, walking.now))
    except OAuthError as refusal:
        remedy = _("Ask for no more than the delegation has, or have more allowed.")
        raise Failed(f"{refusal.reason}.", remedy=remedy, said=" ".join(sorted(held.scope_set))) from refusal
    walking.verdict_scopes, walking.expires_at = authorization.scopes, authorization.expires_at
    return authorization.scope
