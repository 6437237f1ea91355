"""The verbs of clients that registered themselves: come by what an admin gave, hold a registration, give it back.

The registration access token (RFC 7592 §3) is kept as a digest. A token that is presented for another client, or for
one that is over, is dead afterwards (§2.1): whoever holds it should not.
"""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import F

from agents import actions, admission, directory
from agents.errors import NotActive
from agents.models import Agent, Client, RegistrationToken
from agents.registration import vouching
from agents.registration.metadata import ClientMetadata
from audit.events import Event
from audit.ledger import JsonValue, record
from audit.principals import Kind, Principal
from kit import opaque
from kit.oauth import InvalidToken, OAuthError
from trust.models import TrustedIssuer

MAX_TOKEN = 256


@dataclass(frozen=True, slots=True)
class Backing:
    """What a registration brings beside metadata: an admin's token, and somebody's signed word."""

    token: RegistrationToken | None = None
    statement: str = ""
    issuer: TrustedIssuer | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """A client with what it must keep; both are shown this once."""

    client: Client
    secret: str = field(repr=False)
    token: str = field(repr=False)


@transaction.atomic
def register(metadata: ClientMetadata, backing: Backing, *, now: datetime) -> Registered:
    """Register a client and give it the token by which it manages itself; raises InvalidToken.

    The admin's token is used up by the count of the rows that its UPDATE changed: of many at once, as many win.
    """
    if backing.token is not None:
        good = RegistrationToken.objects.filter(
            pk=backing.token.pk, uses_left__gt=0, expires_at__gt=now, revoked_at=None
        )
        if not good.update(uses_left=F("uses_left") - 1):
            raise InvalidToken("the initial access token was used up or is over")
    client, secret = actions.register_dynamically(metadata)
    token = opaque.make()
    client.registration_digest = opaque.digest(token)
    client.initial_token = backing.token
    client.software_statement = vouching.sealed(backing.statement)
    client.software_issuer = backing.issuer
    client.save(
        update_fields=["registration_digest", "initial_token", "software_statement", "software_issuer"],
    )
    return Registered(client, secret, token)


@transaction.atomic
def refuse(client_id: str, refusal: OAuthError, *, by: Principal | None = None) -> None:
    """Write down that somebody could not be taken for a client by what it says; nothing else of it is kept.

    An admin who brought it (`by`) is named, and then its id beside the reason.
    """
    detail: dict[str, JsonValue] = {"error": refusal.code, **({"client_id": client_id} if by else {})}
    record(
        Event.CLIENT_REFUSED,
        by=by or Principal(Kind.CLIENT, client_id, client_id),
        reason=refusal.reason,
        detail=detail,
    )


@transaction.atomic
def forget_arrival(client: Client, *, by: Principal, reason: str) -> bool:
    """Remove a client that came by its document and that nobody decided on; return whether it was still so.

    It would come back by its document, so there is nothing to end: a row that stood as ended would keep it out.
    """
    held = Client.objects.select_for_update(of=("self",)).select_related("agent").filter(pk=client.pk)
    found = held.filter(cimd_expires_at=client.cimd_expires_at, version=client.version).first()
    if found is None or found.agent is None:
        return False
    record(Event.CLIENT_UNREGISTERED, by=by, about=found, reason=reason)
    agent = found.agent
    found.delete()
    agent.delete()
    transaction.on_commit(directory.forget_all)
    return True


@transaction.atomic
def holder(client_id: str, token: str) -> Client | None:
    """Return the living client that this token manages, if it is the one that is meant; else the token dies."""
    if not token or len(token) > MAX_TOKEN:
        return None
    held = Client.objects.select_related("agent").filter(registration_digest=opaque.digest(token)).first()
    if held is None or (held.client_id == client_id and held.status == Client.Status.ACTIVE):
        return held
    Client.objects.filter(pk=held.pk).update(registration_digest="")
    by = Principal(Kind.CLIENT, held.client_id, held.name)
    record(Event.MANAGEMENT_TOKEN_REVOKED, by=by, about=held, reason="presented for another client")
    return None


@transaction.atomic
def retire(client: Client, *, by: Principal, reason: str, event: Event = Event.CLIENT_DISABLED) -> None:
    """End a client for good, and its agent where it came by itself and has no other; raises NotActive."""
    changed = Client.objects.filter(pk=client.pk, status=Client.Status.ACTIVE).update(
        status=Client.Status.DISABLED, registration_digest="", version=F("version") + 1
    )
    if not changed:
        raise NotActive(client.client_id)
    record(event, by=by, about=client, reason=reason)
    if client.agent is not None and not client.agent.clients.filter(status=Client.Status.ACTIVE).exists():
        admission.close(client.agent)
    alone = Agent.objects.filter(pk=client.agent_id, registration=Agent.Registration.DYNAMIC).exclude(
        clients__status=Client.Status.ACTIVE
    )
    ended = alone.exclude(status=Agent.Status.RETIRED).update(status=Agent.Status.RETIRED, version=F("version") + 1)
    if ended:
        record(Event.AGENT_RETIRED, by=by, about=client.agent, reason=reason)
    transaction.on_commit(directory.forget_all)
