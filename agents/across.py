"""The verbs of clients and other domains: a platform's token for a secret, a name elsewhere, who is let across."""

from collections.abc import Iterable, Mapping, Sequence

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from agents import admission, directory, owners
from agents.clients import held_client
from agents.errors import NameTaken, NoRoom, Unusable
from agents.models import Agent, AssertionRule, Client, FederatedCredential, NameElsewhere
from agents.rules import check_answered_for
from audit.events import Event
from audit.ledger import JsonValue, record
from audit.principals import Kind, Principal
from kit import identifiers
from kit.oauth import AuthMethod, GrantType
from tenants.actions import move_version
from tenants.models import Membership
from trust.models import Audience, TrustedIssuer

PLATFORM = "wip:"
"""What the client id of a platform's agents begins with; what follows is the issuer's registration (WAG §5)."""


@transaction.atomic
def register_workload(
    name: str,
    *,
    by: Principal,
    client_id: str = "",
    owner: Membership | None = None,
    grant_types: Sequence[str] = (GrantType.CLIENT_CREDENTIALS,),
) -> Client:
    """Make an agent that holds no secret; until a credential is given (`federate`) nothing proves that it is it."""
    check_answered_for(owner, by=by)
    agent = Agent.objects.create(name=name, owner=owner)
    client = _without_secret(client_id or identifiers.make("cli"), name, agent=agent, grants=grant_types)
    record(Event.AGENT_REGISTERED, by=by, about=agent, detail={"how": agent.registration})
    record(Event.CLIENT_REGISTERED, by=by, about=client)
    return client


@transaction.atomic
def federate(
    client: Client,
    issuer: TrustedIssuer,
    subject: str,
    *,
    by: Principal,
    claims: Mapping[str, str | int | bool] | None = None,
    audience: str = "",
    version: int | None = None,
) -> FederatedCredential:
    """Say that an issuer's token about this subject is this client; raises Unusable, NameTaken, NotActive or Stale.

    A template that leaves a part open must be held by a claim: names are given away again, ids are not.
    """
    held_client(client, version)
    if client.auth_method != AuthMethod.FEDERATED:
        raise Unusable(_("This client proves itself in another way."))
    if not subject or subject.startswith("*") or "**" in subject or "\x00" in subject:
        raise Unusable(_("A subject begins with what it names, and `*` stands for one part of it."))
    if "*" in subject and not claims:
        raise Unusable(_("A subject with `*` needs a claim that is never reused, such as a repository's id."))
    if not all(isinstance(value, str | int) for value in (claims or {}).values()):
        raise Unusable(_("A claim is compared with a text, a number, true or false."))
    if not issuer.is_enabled or not issuer.serves(TrustedIssuer.Purpose.FEDERATION):
        raise Unusable(_("This issuer is not trusted to stand for secrets."))
    try:
        with transaction.atomic():
            made = FederatedCredential.objects.create(
                client=client, issuer=issuer, subject=subject, claims=dict(claims or {}), audience=audience
            )
    except IntegrityError as error:
        raise NameTaken(subject) from error
    Client.objects.filter(pk=client.pk).update(version=F("version") + 1)
    transaction.on_commit(directory.forget_all)
    record(Event.CLIENT_FEDERATED, by=by, about=client, detail={"issuer": issuer.issuer, "subject": subject})
    return made


@transaction.atomic
def unfederate(credential: FederatedCredential, *, by: Principal) -> None:
    """Take that back: from the commit on the token is refused."""
    record(Event.CLIENT_UNFEDERATED, by=by, about=credential.client, detail={"subject": credential.subject})
    credential.delete()


@transaction.atomic
def name_elsewhere(client: Client, audience: Audience, client_id_there: str, *, by: Principal) -> None:
    """Say under which client id an authorization server elsewhere knows a client; raises Unusable.

    One name, one client: whoever recalls what one of them holds there would reach the other's otherwise.
    """
    if NameElsewhere.objects.filter(audience=audience, client_id_there=client_id_there).exclude(client=client).exists():
        raise Unusable(_("Another client has this name there already."))
    NameElsewhere.objects.update_or_create(
        client=client, audience=audience, defaults={"client_id_there": client_id_there}
    )
    record(Event.CLIENT_ELSEWHERE, by=by, about=client, detail={"audience": audience.issuer, "as": client_id_there})
    _everybody_reads_anew()


@transaction.atomic
def allow_across(
    client: Client,
    audience: Audience,
    resource: str,
    scopes: Iterable[str],
    *,
    by: Principal,
    members: Iterable[Membership] = (),
    groups: Iterable[str] = (),
    everyone: bool = False,
) -> AssertionRule:
    """Let a client get grants for a resource elsewhere, for these people; raises Unusable where that names nothing."""
    wanted = sorted(set(scopes))
    if not set(wanted) <= set(audience.resources.get(resource, ())):
        raise Unusable(
            _("%(resource)s has no such scope behind %(issuer)s.")
            % {"resource": resource[:200], "issuer": audience.issuer[:200]}
        )
    rule, _is_new = AssertionRule.objects.update_or_create(
        client=client,
        audience=audience,
        resource=resource,
        defaults={
            "scopes": wanted,
            "members": sorted(member.pk for member in members),
            "groups": sorted(set(groups)),
            "everyone": everyone,
            "changed_at": timezone.now(),
        },
    )
    whom = ["everyone"] if everyone else [*rule.members, *rule.groups]
    detail: dict[str, JsonValue] = {"audience": audience.issuer, "resource": resource, "scopes": wanted, "whom": whom}
    record(Event.ASSERTION_RULE_ADDED, by=by, about=client, detail=detail)
    _everybody_reads_anew()
    return rule


@transaction.atomic
def forbid_across(rule: AssertionRule, *, by: Principal) -> None:
    """Take a rule back: from the commit on no grant is made by it."""
    record(Event.ASSERTION_RULE_REMOVED, by=by, about=rule.client, detail={"resource": rule.resource})
    rule.delete()
    _everybody_reads_anew()


@transaction.atomic
def platform_client(issuer: TrustedIssuer) -> Client:
    """Find or make the client that stands for all agents of a platform: RFC 9068 wants one in every token (WAG §5)."""
    name = f"{PLATFORM}{issuer.pk}"
    known = directory.client(name)
    if known is not None:
        return known
    try:
        with transaction.atomic():
            return _without_secret(name, issuer.name, agent=None, grants=(GrantType.JWT_BEARER,))
    except NameTaken:
        return Client.objects.select_related("agent", "resource_server").get(client_id=name)


@transaction.atomic
def arrive(issuer: TrustedIssuer, subject: str) -> Agent:
    """Make the agent of a subject that was never seen: it waits for an admin, or is quarantined.

    Raises NoRoom, or NameTaken where another request was first. They come one after the other, so that a hundred at
    once are no more than the admin said.
    """
    held = TrustedIssuer.objects.select_for_update().filter(pk=issuer.pk).first()
    brought = Agent.objects.filter(issuer=issuer)
    if brought.filter(foreign_subject=subject).exists():
        raise NameTaken(subject)
    if held is None or not held.serves(TrustedIssuer.Purpose.WORKLOAD) or brought.count() >= held.most_agents:
        raise NoRoom(f"{issuer.issuer[:120]!r} brings no further agents")
    quarantined = held.unseen == TrustedIssuer.Unseen.QUARANTINE
    agent = Agent.objects.create(
        name=subject[-100:],
        registration=Agent.Registration.WORKLOAD,
        status=Agent.Status.ACTIVE if quarantined else Agent.Status.PENDING,
        is_quarantined=quarantined,
        ceiling=dict(held.quarantine) if quarantined else None,
        issuer=issuer,
        foreign_subject=subject,
    )
    by = Principal(Kind.SYSTEM, issuer.issuer, issuer.name)
    admission.ask_about(agent, None)
    record(Event.AGENT_ARRIVED, by=by, about=agent, detail={"issuer": issuer.issuer, "status": agent.status})
    return agent


@transaction.atomic
def admit(
    agent: Agent, ceiling: Mapping[str, Iterable[str]], *, by: Principal, owner: Membership | None = None
) -> None:
    """Let an agent that arrived by a platform's word act, up to a ceiling; an empty one allows nothing.

    Raises Ownerless where a person names nobody who answers for it.
    """
    check_answered_for(owner or owners.answering(agent), by=by)
    kept = {audience: sorted(scopes) for audience, scopes in ceiling.items()}
    Agent.objects.filter(pk=agent.pk).update(
        status=Agent.Status.ACTIVE,
        is_quarantined=False,
        ceiling=kept,
        admitted_at=timezone.now(),
        version=F("version") + 1,
        **({} if owner is None else {"owner": owner}),
    )
    admission.settle(agent, kept)
    words = [f"{audience}: {' '.join(kept[audience])}" for audience in kept]
    record(Event.AGENT_ADMITTED, by=by, about=agent, detail={"ceiling": words})
    transaction.on_commit(directory.forget_all)


def _without_secret(client_id: str, name: str, *, agent: Agent | None, grants: Sequence[str]) -> Client:
    try:
        with transaction.atomic():
            return Client.objects.create(
                client_id=client_id,
                client_type=Client.CLIENT_CONFIDENTIAL,
                registration_source=Client.RegistrationSource.MANUAL,
                name=name,
                auth_method=AuthMethod.FEDERATED,
                grant_types=[str(grant) for grant in grants],
                agent=agent,
            )
    except IntegrityError as error:
        raise NameTaken(client_id) from error


def _everybody_reads_anew() -> None:
    move_version()
    transaction.on_commit(directory.forget_all)
