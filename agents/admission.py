"""Agents that arrive by themselves wait here: who asks for them, what is known of them, and the decision.

An unknown agent is a question, not an error. It is decided once: whoever decides second is told who was first. What is
approved becomes the ceiling that every later consent and exchange is cut to, and nothing acts without an owner.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from agents import directory, outcome
from agents.errors import AlreadyDecided, TooLateToUndo, Unusable
from agents.limits import Limits
from agents.models import Agent, Approval, Client, Plea
from audit.events import Event
from audit.ledger import JsonValue, record
from audit.principals import Kind, Principal
from kit import uris
from kit.oauth import GrantType
from tenants import directory as tenants_directory
from tenants.errors import Stale
from tenants.models import Membership, Tenant

UNDO = timedelta(minutes=10)
MAX_REASON = 500
PRESETS = {
    "another": gettext_noop("We use another agent for this."),
    "too-much": gettext_noop("It asks for more than it needs."),
    "unknown": gettext_noop("Nobody here knows who runs it."),
    "no-reason": gettext_noop("Ask again, and say what you need it for."),
}
"""Reasons to deny that need no typing; kept in these words, and read in the reader's (`reason_words`)."""
Scopes = Mapping[str, Iterable[str]]


def is_admitted(
    mode: str, hosts: Sequence[str], redirect_uris: Sequence[str], grants: Sequence[str], document: str = ""
) -> bool:
    """Say whether the tenant's policy lets an agent in without anybody's decision.

    `hosts` are hosts, and whole addresses of documents. A document's host is who published it. Of a registration only
    the redirect hosts bind anything, and all of them count; a device's code is redirected nowhere, so that they bind
    nothing of an agent that may ask for one.
    """
    if mode != Tenant.Registration.HOSTS:
        return mode == Tenant.Registration.OPEN
    if document and document in hosts:
        return True
    named = [document] if document else list(redirect_uris)
    known = [uri.startswith("https://") and uris.host_of(uri) in hosts for uri in named]
    return bool(known) and all(known) and (bool(document) or GrantType.DEVICE_CODE not in grants)


def is_free(client: Client) -> bool:
    """Say whether the tenant's policy would let a client in as it is now, without anybody's decision."""
    registration, documents, hosts = modes()
    if client.is_document:
        return is_admitted(documents, hosts, client.redirect_uris, client.grant_types, client.client_id)
    return is_admitted(registration, hosts, client.redirect_uris, client.grant_types)


@transaction.atomic
def ask_about(agent: Agent, client: Client | None) -> None:
    """Put the question where an agent waits and nobody was asked yet; one that lapsed comes back as what it was."""
    if agent.status != Agent.Status.PENDING:
        return
    before = Approval.objects.filter(agent=agent).exclude(kind=Approval.Kind.SCOPES).order_by("-pk").first()
    kind, changes = Approval.Kind.ADMISSION.value, []
    if before is not None and before.status == Approval.Status.LAPSED:
        kind, changes = before.kind, before.changes
    made = Approval(kind=kind, changes=changes, agent=agent, client=client)
    Approval.objects.bulk_create([made], ignore_conflicts=True)
    if Approval.objects.filter(pk=made.pk).exists():
        record(Event.APPROVAL_ASKED, by=Principal(Kind.AGENT, agent.pk, agent.name), about=made)


@transaction.atomic
def ask_again(agent: Agent, client: Client, changes: Sequence[Sequence[str]], *, is_free: bool) -> bool:
    """Ask about an agent that now says something else of itself; return whether somebody has to decide.

    What was approved is what runs: from the commit on nothing of it is alive, until somebody has read what changed. An
    open question gains the change and moves on: whoever read it before reads it again. `is_free` says that the
    tenant's policy would let it in as it is now; only one that nobody ever decided on goes on then.
    """
    asked = Approval.objects.filter(agent=agent)
    open_ones = asked.filter(status=Approval.Status.WAITING).exclude(kind=Approval.Kind.SCOPES)
    waiting = open_ones.select_for_update().first()
    told = [list(each) for each in changes]
    if waiting is not None:
        Approval.objects.filter(pk=waiting.pk).update(changes=[*waiting.changes, *told], version=F("version") + 1)
        return True
    is_approved = asked.filter(status=Approval.Status.APPROVED).exists()
    if (is_free and not is_approved) or agent.status not in {Agent.Status.ACTIVE, Agent.Status.SUSPENDED}:
        return False
    give_way(agent)
    made = Approval(kind=Approval.Kind.CHANGE, agent=agent, client=client, changes=told)
    Approval.objects.bulk_create([made], ignore_conflicts=True)
    if agent.status == Agent.Status.ACTIVE:
        change(agent, status=Agent.Status.PENDING)
    record(
        Event.APPROVAL_ASKED,
        by=Principal(Kind.AGENT, agent.pk, agent.name),
        about=made,
        detail={"changed": [each[0] for each in changes]},
    )
    return True


@transaction.atomic
def plead(agent: Agent, member: Membership, reason: str, asked: Scopes) -> None:
    """Write down that a person wants an agent, why, and what they wanted it for; raises AlreadyDecided."""
    approval = Approval.objects.select_for_update().filter(agent=agent, status=Approval.Status.WAITING).first()
    if approval is None:
        raise AlreadyDecided(agent.pk)
    said = words_of(reason)
    _, is_new = Plea.objects.update_or_create(approval=approval, member=member, defaults={"reason": said})
    wider = {name: sorted({*approval.asked.get(name, ()), *asked.get(name, ())}) for name in {*approval.asked, *asked}}
    moved = {"version": F("version") + 1} if wider != approval.asked else {}
    Approval.objects.filter(pk=approval.pk).update(asked=wider, **moved)
    if is_new:
        by = Principal(Kind.USER, member.pk, member.name)
        record(Event.APPROVAL_WANTED, by=by, about=approval, reason=said)


@transaction.atomic
def approve(
    approval: Approval,
    *,
    by: Membership,
    owner: Membership,
    ceiling: Scopes | None,
    people: Mapping[str, list[str]] | None = None,
    longest: timedelta | None = None,
    until: datetime | None = None,
    version: int | None = None,
) -> None:
    """Let an agent act within limits (`agents.limits`); raises AlreadyDecided, Unusable or BadLimits.

    Without a ceiling it is whatever people allow; an empty one allows nothing. Of an agent that asks for more the
    ceiling is what it gets beside what it has, and without one it gets all that it asks for.
    """
    if owner.status != Membership.Status.ACTIVE:
        raise Unusable(gettext("An owner is somebody who has a place here."))
    agent = _hold(approval, outcome.EXPECTED[Approval.Kind(approval.kind)])
    kept = outcome.kept(approval, agent, Limits(ceiling, people, longest, until), now=timezone.now())
    before = agent.ceiling if approval.kind == Approval.Kind.SCOPES else None
    _decide(approval, Approval.Status.APPROVED, by, version, **kept.columns, before=before)
    change(agent, owner=owner, owner_left_at=None, **outcome.of_approving(approval, agent, kept))
    words: dict[str, JsonValue] = {"kind": approval.kind, "owner": owner.pk, **kept.told()}
    record(Event.APPROVAL_GIVEN, by=principal(by), about=approval, detail=words)


@transaction.atomic
def deny(approval: Approval, *, by: Membership, reason: str, version: int | None = None) -> None:
    """Refuse an agent, or more for it; whoever asked for it reads the reason. Raises AlreadyDecided."""
    agent = _hold(approval, outcome.EXPECTED[Approval.Kind(approval.kind)])
    _decide(approval, Approval.Status.DENIED, by, version, reason=reason[:MAX_REASON])
    if approval.kind != Approval.Kind.SCOPES:
        change(agent, status=Agent.Status.DENIED)
    record(Event.APPROVAL_REFUSED, by=principal(by), about=approval, reason=reason[:MAX_REASON])


@transaction.atomic
def undo(approval: Approval, *, by: Membership, version: int | None = None) -> None:
    """Put a decision back among the open questions: by whoever made it, for ten minutes, until anything came of it.

    Raises TooLateToUndo, or Stale.
    """
    now = timezone.now()
    decided = {Approval.Status.APPROVED, Approval.Status.DENIED}
    mine = Approval.objects.select_for_update().filter(pk=approval.pk, decided_by=by, status__in=decided)
    found = mine.filter(decided_at__gte=now - UNDO).select_related("agent").first()
    if found is None or Approval.objects.filter(agent=approval.agent_id, status=Approval.Status.WAITING).exists():
        raise TooLateToUndo(approval.pk)
    if version is not None and found.version != version:
        raise Stale(found)
    try:
        # One that asked for more acted all the while.
        agent = _hold(approval, {Agent.Status.ACTIVE} if found.kind == Approval.Kind.SCOPES else outcome.DECIDED)
    except AlreadyDecided as error:
        raise TooLateToUndo(approval.pk) from error
    if outcome.came_of(found, agent):
        raise TooLateToUndo(approval.pk)
    nobody = {"decided_at": None, "decided_by": None, "reason": "", "before": None, **Limits(None).columns}
    Approval.objects.filter(pk=found.pk).update(status=Approval.Status.WAITING, version=F("version") + 1, **nobody)
    change(agent, **outcome.of_undoing(found, agent))
    record(Event.APPROVAL_UNDONE, by=principal(by), about=found)


def settle(agent: Agent, ceiling: Mapping[str, list[str]]) -> None:
    """Close the open question about an agent that was admitted in another way."""
    waiting = Approval.objects.filter(agent=agent, status=Approval.Status.WAITING)
    said = {"decided_at": timezone.now(), "ceiling": ceiling}
    waiting.update(status=Approval.Status.APPROVED, version=F("version") + 1, **said)


def close(agent: Agent) -> None:
    """Close the open question about an agent that is no more, or of which no client is left that could come back."""
    waiting = Approval.objects.filter(agent=agent, status=Approval.Status.WAITING)
    waiting.update(status=Approval.Status.LAPSED, decided_at=timezone.now(), version=F("version") + 1)


def give_way(agent: Agent) -> None:
    """Close the question whether an agent gets more: whether it goes on comes first, and its next request asks anew."""
    waiting = Approval.objects.filter(agent=agent, status=Approval.Status.WAITING, kind=Approval.Kind.SCOPES)
    waiting.update(status=Approval.Status.LAPSED, decided_at=timezone.now(), version=F("version") + 1)


def goes_on(agent: Agent) -> Agent.Status:
    """Return what a paused agent becomes that may go on: what it was, if nobody's decision is missing."""
    latest = Approval.objects.filter(agent=agent).exclude(kind=Approval.Kind.SCOPES).order_by("-pk").first()
    is_decided = latest is None or latest.status == Approval.Status.APPROVED
    return Agent.Status.ACTIVE if is_decided else Agent.Status.PENDING


def _hold(approval: Approval, expected: Collection[str]) -> Agent:
    """Hold the agent that a question is about; raises AlreadyDecided where it is in no state to be decided on."""
    agent = hold_agent(approval.agent_id)
    if agent.status not in expected:
        raise AlreadyDecided(approval.pk)
    return agent


def hold_agent(agent_id: str) -> Agent:
    """Hold an agent and its clients until the commit, in the order in which a change of a client takes them."""
    list(Client.objects.select_for_update().filter(agent=agent_id).order_by("pk").values_list("pk", flat=True))
    return Agent.objects.select_for_update().get(pk=agent_id)


def _decide(approval: Approval, status: Approval.Status, by: Membership, version: int | None, **said: object) -> None:
    """Decide it if nobody did, and nothing was changed since the decider read it."""
    open_one = Approval.objects.filter(pk=approval.pk, status=Approval.Status.WAITING)
    if version is not None:
        open_one = open_one.filter(version=version)
    decided = {"decided_at": timezone.now(), "decided_by": by, **said}
    if not open_one.update(status=status, version=F("version") + 1, **decided):
        raise AlreadyDecided(approval.pk)


def change(agent: Agent, **fields: object) -> None:
    """Change columns of an agent, so that every process reads it anew before it mints."""
    Agent.objects.filter(pk=agent.pk).update(version=F("version") + 1, **fields)
    # The mint compares the version of the client that asks, which is kept together with its agent.
    Client.objects.filter(agent=agent).update(version=F("version") + 1)
    transaction.on_commit(directory.forget_all)


def modes() -> tuple[str, str, list[str]]:
    """Return the current tenant's policy: for registrations, for documents, and the hosts that need nobody."""
    tenant = tenants_directory.current()
    return tenant.registration, tenant.documents, list(tenant.admitted_hosts)


def reason_words(reason: str) -> str:
    """Return why an agent was denied as its reader reads it; own words behind a preset stay as they are."""
    chosen = next((words for words in PRESETS.values() if reason.startswith(words)), "")
    return gettext(chosen) + reason.removeprefix(chosen) if chosen else reason


def words_of(text: str) -> str:
    """Return what somebody wrote as one line that shows all of itself."""
    return "".join(character for character in text if character.isprintable()).strip()[:MAX_REASON]


def principal(member: Membership) -> Principal:
    return Principal(Kind.USER, member.pk, member.name)
