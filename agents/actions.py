"""The verbs of this app: register, suspend, resume, give secrets."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from agents import directory
from agents.errors import NameTaken, NotActive
from agents.models import Agent, Client, OutboundHost, UsedAssertion
from agents.registration.metadata import ClientMetadata
from audit.events import Event
from audit.ledger import record
from audit.principals import Kind, Principal
from kit import identifiers, opaque
from kit.oauth import AuthMethod, GrantType
from tenants.models import Membership, ResourceServer

_WITH_SECRET = {AuthMethod.SECRET_BASIC, AuthMethod.SECRET_POST}


@transaction.atomic
def register_dynamically(metadata: ClientMetadata) -> tuple[Client, str]:
    """Make an agent and its client from what a stranger says of itself; return the client and its secret, or ""."""
    agent = Agent.objects.create(name=metadata.name, registration=Agent.Registration.DYNAMIC)
    secret = opaque.make() if metadata.auth_method in _WITH_SECRET else ""
    client = Client.objects.create(
        client_id=identifiers.make("dcr"),
        client_secret=opaque.salted_digest(secret) if secret else "",
        registration_source=Client.RegistrationSource.DCR,
        agent=agent,
        **_columns(metadata),
    )
    by = Principal(Kind.CLIENT, client.client_id, client.name)
    record(Event.AGENT_REGISTERED, by=by, about=agent, detail={"how": agent.registration})
    record(Event.CLIENT_REGISTERED, by=by, about=client, detail={"redirect_uris": client.redirect_uris})
    return client, secret


@transaction.atomic
def register_document(url: str, metadata: ClientMetadata, *, fresh_until: datetime) -> Client:
    """Make or renew the client that a metadata document describes; what changed is written down.

    Renewing changes the client's digest, so that remembered consents no longer cover it: the person is asked again.
    """
    known = Client.objects.filter(client_id=url).select_related("agent").first()
    if known is None:
        return _first_document(url, metadata, fresh_until)
    columns = _columns(metadata)
    changed = sorted(name for name, value in columns.items() if getattr(known, name) != value)
    bump = {"version": F("version") + 1} if changed else {}
    Client.objects.filter(pk=known.pk).update(cimd_expires_at=fresh_until, **columns, **bump)
    if changed:
        by = Principal(Kind.CLIENT, url, metadata.name)
        record(Event.CLIENT_DOCUMENT_CHANGED, by=by, about=known, detail={"changed": changed})
    transaction.on_commit(directory.forget_all)
    return Client.objects.select_related("agent", "resource_server").get(pk=known.pk)


@transaction.atomic
def accept_endpoint_audience(client: Client, *, by: Principal, accept: bool) -> None:
    """Switch one client's compatibility: assertions may name the token endpoint and live for an hour."""
    Client.objects.filter(pk=client.pk).update(accepts_endpoint_audience=accept, version=F("version") + 1)
    record(Event.CLIENT_AUDIENCE_SWITCHED, by=by, about=client, detail={"accepts_endpoint_audience": accept})
    transaction.on_commit(directory.forget_all)


@transaction.atomic
def forget_assertions(now: datetime) -> int:
    """Remove used assertions that could not be accepted again anyway, and hosts that nobody asked for a day."""
    removed, _ = UsedAssertion.objects.filter(expires_at__lt=now).delete()
    hosts, _ = OutboundHost.objects.filter(window_started_at__lt=now - timedelta(days=1)).delete()
    return removed + hosts


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

    With a resource server it is that server's own agent: it may exchange what it is called with (RFC 8693 §1).
    """
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


def _first_document(url: str, metadata: ClientMetadata, fresh_until: datetime) -> Client:
    agent = Agent.objects.create(name=metadata.name, registration=Agent.Registration.DOCUMENT)
    client = Client.objects.create(
        client_id=url,
        registration_source=Client.RegistrationSource.CIMD,
        cimd_expires_at=fresh_until,
        agent=agent,
        **_columns(metadata),
    )
    by = Principal(Kind.CLIENT, url, metadata.name)
    record(Event.AGENT_REGISTERED, by=by, about=agent, detail={"how": agent.registration})
    record(Event.CLIENT_REGISTERED, by=by, about=client, detail={"redirect_uris": client.redirect_uris})
    return client


def _columns(metadata: ClientMetadata) -> dict[str, Any]:
    is_public = metadata.auth_method == AuthMethod.NONE
    return {
        "name": metadata.name,
        "client_type": Client.CLIENT_PUBLIC if is_public else Client.CLIENT_CONFIDENTIAL,
        "auth_method": metadata.auth_method.value,
        "redirect_uris": list(metadata.redirect_uris),
        "grant_types": list(metadata.grant_types),
        "metadata": dict(metadata.further),
        "jwks_uri": metadata.jwks_uri,
        **({} if metadata.jwks_uri else {"jwks": dict(metadata.jwks)}),
    }


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
    """Replace a client's secret and return the new one; the old one is refused from the commit on."""
    secret = secret or opaque.make()
    Client.objects.filter(pk=client.pk).update(client_secret=opaque.salted_digest(secret), version=F("version") + 1)
    record(Event.CLIENT_SECRET_CHANGED, by=by, about=client)
    transaction.on_commit(directory.forget_all)
    return secret


@transaction.atomic
def suspend_agent(agent: Agent, *, by: Principal, reason: str) -> None:
    """Pause an agent. Its tokens die because every room asks its status, not because anything reaches up."""
    _change_status(agent, Agent.Status.ACTIVE, Agent.Status.SUSPENDED)
    record(Event.AGENT_SUSPENDED, by=by, about=agent, reason=reason)


@transaction.atomic
def resume_agent(agent: Agent, *, by: Principal, reason: str = "") -> None:
    """Let a paused agent act again."""
    _change_status(agent, Agent.Status.SUSPENDED, Agent.Status.ACTIVE)
    record(Event.AGENT_RESUMED, by=by, about=agent, reason=reason)


@transaction.atomic
def disable_client(client: Client, *, by: Principal, reason: str) -> None:
    """Switch one client off; the agent's other clients go on."""
    changed = Client.objects.filter(pk=client.pk, status=Client.Status.ACTIVE).update(
        status=Client.Status.DISABLED, version=F("version") + 1
    )
    if not changed:
        raise NotActive(client.client_id)
    record(Event.CLIENT_DISABLED, by=by, about=client, reason=reason)
    transaction.on_commit(directory.forget_all)


def _change_status(agent: Agent, before: str, after: str) -> None:
    changed = Agent.objects.filter(pk=agent.pk, status=before).update(status=after, version=F("version") + 1)
    if not changed:
        raise NotActive(agent.pk)
    transaction.on_commit(directory.forget_all)
