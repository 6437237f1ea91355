"""The verbs of this app: register, suspend, resume, give secrets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from agents import admission, directory, lifecycle, overlaps, owners
from agents.errors import NameTaken, NotActive
from agents.models import Agent, Client, UsedAssertion, looks
from agents.models.client import FIRST_SECRET
from agents.registration import changes, vouching
from agents.registration.changes import Change
from agents.registration.metadata import ClientMetadata
from agents.registration.statements import Vouched
from agents.rules import check_answered_for
from audit.events import Event
from audit.ledger import JsonValue, record
from audit.principals import Kind, Principal
from kit import identifiers, opaque
from kit.oauth import AuthMethod, GrantType
from tenants import clock
from tenants.actions import as_read
from tenants.errors import Stale
from tenants.models import Membership, ResourceServer
from trust.models import TrustedIssuer

_WITH_SECRET = {AuthMethod.SECRET_BASIC, AuthMethod.SECRET_POST}


@transaction.atomic
def register_dynamically(metadata: ClientMetadata) -> tuple[Client, str]:
    """Make an agent and its client from what a stranger says of itself; return the client and its secret, or ""."""
    mode, _, hosts = admission.modes()
    free = admission.is_admitted(mode, hosts, metadata.redirect_uris, metadata.grant_types)
    status = Agent.Status.ACTIVE if free else Agent.Status.PENDING
    agent = Agent.objects.create(name=metadata.name, registration=Agent.Registration.DYNAMIC, status=status)
    secret = opaque.make() if metadata.auth_method in _WITH_SECRET else ""
    client = Client.objects.create(
        client_id=identifiers.make("dcr"),
        client_secret=opaque.salted_digest(secret) if secret else "",
        registration_source=Client.RegistrationSource.DCR,
        agent=agent,
        **columns_of(metadata),
    )
    by = Principal(Kind.CLIENT, client.client_id, client.name)
    record(Event.AGENT_REGISTERED, by=by, about=agent, detail={"how": agent.registration})
    record(Event.CLIENT_REGISTERED, by=by, about=client, detail={"redirect_uris": client.redirect_uris})
    admission.ask_about(agent, client)
    return client, secret


@transaction.atomic
def register_document(url: str, vouched: Vouched, *, fresh_until: datetime, now: datetime) -> Client:
    """Make or renew the client that a metadata document describes; what changed is written down.

    Renewing changes the client's digest, so that remembered consents no longer cover it: the person is asked again.
    """
    known = Client.objects.filter(client_id=url).select_related("agent", "software_issuer").first()
    if known is None:
        return first_document(url, vouched, fresh_until)
    columns = columns_of(vouched.metadata, known.given_grants)
    changed = sorted(name for name, value in columns.items() if getattr(known, name) != value)
    said = changes.between(known, columns, vouched.issuer, now=now)
    risky = [(each.what, each.before, each.after) for each in said if each.is_risky]
    changed += ["vouched for by"] if any(each.what == "vouched for by" for each in said) else []
    columns |= {**changes.pins(known, columns, now=now), **_vouching(vouched.statement, vouched.issuer)}
    bump = {"version": F("version") + 1} if changed else {}
    if known.jwks_uri != vouched.metadata.jwks_uri:
        columns = _with_no_fetched_keys(columns)
    columns |= looks.of_client(vouched.metadata.name)
    Client.objects.filter(pk=known.pk).update(cimd_expires_at=fresh_until, **columns, **bump)
    client = _read(known)
    if changed:
        by = Principal(Kind.CLIENT, url, client.name)
        record(Event.CLIENT_DOCUMENT_CHANGED, by=by, about=known, detail={**told(said), "changed": changed})
    transaction.on_commit(directory.forget_all)
    if not risky or client.agent is None:
        return client
    admission.ask_again(client.agent, client, risky, is_free=admission.is_free(client))
    return _read(known)


@transaction.atomic
def replace_registration(
    client: Client, metadata: ClientMetadata, *, now: datetime, statement: str = "", issuer: TrustedIssuer | None = None
) -> tuple[Client, str]:
    """Let a client say anew what it is, whole (RFC 7592 §2.2); return it and its secret, where it got a new one.

    Raises NotActive where it was ended meanwhile. What changed is written down, with what of it is risky.
    """
    held = Client.objects.select_for_update().filter(pk=client.pk, status=Client.Status.ACTIVE).first()
    if held is None:
        raise NotActive(client.client_id)
    columns = columns_of(metadata, held.given_grants)
    changed = changes.between(held, columns, issuer, now=now)
    columns |= {**changes.pins(held, columns, now=now), **_vouching(statement, issuer)}
    has_secret, needs_secret = bool(held.client_secret), metadata.auth_method in _WITH_SECRET
    secret = opaque.make() if needs_secret and not has_secret else ""
    if has_secret != needs_secret:
        overlaps.forget(held, FIRST_SECRET)
        columns |= {"client_secret": opaque.salted_digest(secret) if secret else "", "further_secrets": []}
    if held.jwks_uri != metadata.jwks_uri:
        columns = _with_no_fetched_keys(columns)
    seen_as = looks.of_client(metadata.name)
    Client.objects.filter(pk=held.pk).update(version=F("version") + 1, **columns, **seen_as)
    if changed:
        by = Principal(Kind.CLIENT, held.client_id, metadata.name)
        record(Event.CLIENT_CHANGED, by=by, about=held, detail=told(changed))
        risky = [(each.what, each.before, each.after) for each in changed if each.is_risky]
        client = _read(held)
        if risky and client.agent is not None:
            admission.ask_again(client.agent, client, risky, is_free=admission.is_free(client))
    transaction.on_commit(directory.forget_all)
    return _read(held), secret


def told(changed: Sequence[Change]) -> dict[str, JsonValue]:
    """Return changes for the ledger: which, which of them are risky, and each from what to what."""
    return {
        "changed": [change.what for change in changed],
        "risky": [change.what for change in changed if change.is_risky],
        "before": [f"{change.what}: {change.before}" for change in changed],
        "after": [f"{change.what}: {change.after}" for change in changed],
    }


def forget_assertions(now: datetime) -> int:
    """Remove used assertions that could not be accepted again anyway."""
    return clock.forget(UsedAssertion.objects.filter(expires_at__lt=now).order_by("expires_at"))


@transaction.atomic
def register_agent(
    name: str,
    *,
    by: Principal,
    owner: Membership | None = None,
    client_id: str = "",
    redirect_uris: Sequence[str] = (),
    grant_types: Sequence[str] = (GrantType.CLIENT_CREDENTIALS,),
    resource_server: ResourceServer | None = None,
) -> tuple[Client, str]:
    """Make an agent with a secret by an admin's hand; return its client and the secret, shown this once.

    Raises Ownerless where a person names nobody who answers for it.
    With a resource server it is that server's own agent: it may exchange what it is called with (RFC 8693 §1).
    """
    check_answered_for(owner, by=by)
    agent = Agent.objects.create(name=name, owner=owner)
    client, secret = _confidential(
        name,
        client_id,
        by=by,
        agent=agent,
        resource_server=resource_server,
        redirect_uris=redirect_uris,
        grants=grant_types,
    )
    record(Event.AGENT_REGISTERED, by=by, about=agent, detail={"how": agent.registration})
    return client, secret


@transaction.atomic
def register_introspector(server: ResourceServer, *, by: Principal, client_id: str = "") -> tuple[Client, str]:
    """Make the client with which a resource server asks about tokens; return it and its secret, shown this once."""
    return _confidential(server.name, client_id, by=by, resource_server=server)


@transaction.atomic
def first_document(url: str, vouched: Vouched, fresh_until: datetime, *, by: Principal | None = None) -> Client:
    """Make the agent and client of a document that nobody saw here yet; without an admin (`by`) it came by itself."""
    metadata = vouched.metadata
    _, mode, hosts = admission.modes()
    free = admission.is_admitted(mode, hosts, metadata.redirect_uris, metadata.grant_types, url)
    status = Agent.Status.ACTIVE if free else Agent.Status.PENDING
    agent = Agent.objects.create(name=metadata.name, registration=Agent.Registration.DOCUMENT, status=status)
    client = Client.objects.create(
        client_id=url,
        registration_source=Client.RegistrationSource.CIMD,
        cimd_expires_at=fresh_until,
        agent=agent,
        **_vouching(vouched.statement, vouched.issuer),
        **columns_of(metadata),
    )
    by = by or Principal(Kind.CLIENT, url, metadata.name)
    record(Event.AGENT_REGISTERED, by=by, about=agent, detail={"how": agent.registration})
    record(Event.CLIENT_REGISTERED, by=by, about=client, detail={"redirect_uris": client.redirect_uris})
    admission.ask_about(agent, client)
    return client


def _read(client: Client) -> Client:
    return Client.objects.select_related("agent", "resource_server").get(pk=client.pk)


def _vouching(statement: str, issuer: TrustedIssuer | None) -> dict[str, Any]:
    return {"software_statement": vouching.sealed(statement), "software_issuer": issuer}


def columns_of(metadata: ClientMetadata, given_grants: Sequence[str] = ()) -> dict[str, Any]:
    """Return what a client says of itself as columns; what an admin gave it beyond that stays."""
    is_public = metadata.auth_method == AuthMethod.NONE
    return {
        "name": metadata.name,
        "client_type": Client.CLIENT_PUBLIC if is_public else Client.CLIENT_CONFIDENTIAL,
        "auth_method": metadata.auth_method.value,
        "redirect_uris": list(metadata.redirect_uris),
        "grant_types": list(dict.fromkeys([*metadata.grant_types, *given_grants])),
        "metadata": dict(metadata.further),
        "jwks_uri": metadata.jwks_uri,
        **({} if metadata.jwks_uri else {"jwks": dict(metadata.jwks)}),
    }


def _with_no_fetched_keys(columns: dict[str, Any]) -> dict[str, Any]:
    """Return columns for a client whose keys are elsewhere now: those of the old place would serve on for minutes."""
    return {"jwks": {}, **columns, "jwks_fetched_at": None}


def _confidential(
    name: str,
    client_id: str,
    *,
    by: Principal,
    agent: Agent | None = None,
    resource_server: ResourceServer | None = None,
    redirect_uris: Sequence[str] = (),
    grants: Sequence[str] = (),
) -> tuple[Client, str]:
    secret = opaque.make()
    try:
        with transaction.atomic():
            client = Client.objects.create(
                client_id=client_id or identifiers.make("cli"),
                client_secret=opaque.salted_digest(secret),
                client_type=Client.CLIENT_CONFIDENTIAL,
                registration_source=Client.RegistrationSource.MANUAL,
                name=name,
                auth_method=AuthMethod.SECRET_BASIC,
                redirect_uris=list(redirect_uris),
                grant_types=[str(grant) for grant in grants],
                agent=agent,
                resource_server=resource_server,
            )
    except IntegrityError as error:
        raise NameTaken(client_id) from error
    record(Event.CLIENT_REGISTERED, by=by, about=client)
    return client, secret


@transaction.atomic
def change_secret(client: Client, *, by: Principal, secret: str = "") -> str:
    """Replace a client's secrets by one and return it; the old ones are refused from the commit on."""
    secret = secret or opaque.make()
    Client.objects.filter(pk=client.pk).update(
        client_secret=opaque.salted_digest(secret), further_secrets=[], version=F("version") + 1
    )
    overlaps.forget(client)
    record(Event.CLIENT_SECRET_CHANGED, by=by, about=client)
    transaction.on_commit(directory.forget_all)
    return secret


@transaction.atomic
def suspend_agent(agent: Agent, *, by: Principal, reason: str, version: int | None = None) -> None:
    """Pause an agent. Its tokens die because every room asks its status, not because anything reaches up."""
    acting = Agent.objects.filter(pk=agent.pk, status__in=(Agent.Status.ACTIVE, Agent.Status.PENDING))
    lifecycle.move(agent, acting, version, status=Agent.Status.SUSPENDED)
    record(Event.AGENT_SUSPENDED, by=by, about=agent, reason=reason)


@transaction.atomic
def resume_agent(agent: Agent, *, by: Principal, reason: str = "", version: int | None = None) -> None:
    """Let a paused agent act again, or wait again where somebody has yet to decide on it; raises Ownerless."""
    status = admission.goes_on(agent)
    if status == Agent.Status.ACTIVE:
        check_answered_for(owners.answering(agent), by=by)
    paused = Agent.objects.filter(pk=agent.pk, status=Agent.Status.SUSPENDED)
    lifecycle.move(agent, paused, version, status=status)
    record(Event.AGENT_RESUMED, by=by, about=agent, reason=reason)


@transaction.atomic
def disable_client(client: Client, *, by: Principal, reason: str, version: int | None = None) -> None:
    """Switch one client off; the agent's other clients go on. Raises NotActive or Stale."""
    active = Client.objects.filter(pk=client.pk, status=Client.Status.ACTIVE)
    if not active.filter(**as_read(version)).update(status=Client.Status.DISABLED, version=F("version") + 1):
        raise Stale(client) if active.exists() else NotActive(client.client_id)
    if client.agent is not None and not client.agent.clients.filter(status=Client.Status.ACTIVE).exists():
        admission.close(client.agent)
    record(Event.CLIENT_DISABLED, by=by, about=client, reason=reason)
    transaction.on_commit(directory.forget_all)
