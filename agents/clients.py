"""The verbs of an agent's clients that are an admin's: make one, change one and take that back, give grants.

What an admin says of a client is read by the validator that reads strangers, with more allowed. What a client says of
itself (RFC 7591, CIMD) stays its own to say: of such a one an admin gives grants, and takes it away.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from agents import actions, directory, overlaps
from agents.errors import NameTaken, NotActive, TooLateForClient, Unusable
from agents.models import Agent, Client, looks
from agents.models.client import FIRST_SECRET
from agents.registration import changes, metadata
from agents.registration.metadata import ClientMetadata
from audit.events import Event
from audit.ledger import record
from audit.principals import Principal
from kit import identifiers, opaque
from kit.oauth import AuthMethod, GrantType, OAuthError
from tenants.actions import as_read
from tenants.errors import Stale

GIVEN = tuple(grant for grant in GrantType if grant in metadata.PROVING)
"""Grants that no client registers by itself."""
_SECRETS = {AuthMethod.SECRET_BASIC, AuthMethod.SECRET_POST}
UNDO = timedelta(minutes=10)


@transaction.atomic
def add_client(agent: Agent, document: Mapping[str, Any], *, by: Principal, client_id: str = "") -> tuple[Client, str]:
    """Make a client of an agent; return it and its secret, shown this once, or "". Raises Unusable or NameTaken."""
    described = _read({"client_name": agent.name, **document})
    if not Agent.objects.filter(pk=agent.pk).exclude(status=Agent.Status.RETIRED).exists():
        raise NotActive(agent.pk)
    secret = opaque.make() if described.auth_method in _SECRETS else ""
    try:
        with transaction.atomic():
            client = Client.objects.create(
                client_id=client_id or identifiers.make("cli"),
                client_secret=opaque.salted_digest(secret) if secret else "",
                registration_source=Client.RegistrationSource.MANUAL,
                agent=agent,
                **actions.columns_of(described),
            )
    except IntegrityError as error:
        raise NameTaken(client_id) from error
    record(Event.CLIENT_REGISTERED, by=by, about=client, detail={"redirect_uris": client.redirect_uris})
    return client, secret


@transaction.atomic
def change_client(
    client: Client, said: Mapping[str, Any], *, by: Principal, version: int | None = None
) -> tuple[Client, str]:
    """Change what an admin made; return it and its secret, where it got one. What changes nothing writes nothing.

    Raises Unusable, NotActive or Stale.
    """
    held = held_client(client, version)
    if not held.is_manual:
        raise Unusable(_("What it says of itself is its own to change."))
    return _changed(held, said, by=by)


def may_put_back(client: Client, *, by: str, now: datetime) -> bool:
    """Say whether this person changed it less than ten minutes ago, and nothing happened to it since."""
    at, edit = edited_at(client), client.last_edit
    if at is None or edit is None or client.status != Client.Status.ACTIVE:
        return False
    return edit["by"] == by and edit["version"] == client.version and now - at <= UNDO


def edited_at(client: Client) -> datetime | None:
    """Return when an admin last changed what it says, as long as that is kept."""
    return parse_datetime(client.last_edit["at"]) if client.last_edit else None


@transaction.atomic
def put_back_client(client: Client, *, by: Principal, version: int | None = None) -> Client:
    """Take back, within ten minutes, what this person changed of a client: a new change, with what it said before.

    Raises TooLateForClient, Unusable, NotActive or Stale.
    """
    held = held_client(client, version)
    if held.last_edit is None or not may_put_back(held, by=by.id, now=timezone.now()):
        raise TooLateForClient(held.pk)
    back, _secret = _changed(held, held.last_edit["said"], by=by, undoes=held.last_edit["entry"])
    return back


@transaction.atomic
def give_grants(client: Client, grants: Iterable[str], *, by: Principal, version: int | None = None) -> Client:
    """Say which grants a client has beyond what it says of itself, all of them; raises Unusable, NotActive or Stale.

    Whatever it says of itself later, they stay until an admin takes them back.
    """
    held, given = held_client(client, version), [str(grant) for grant in dict.fromkeys(grants)]
    if unknown := sorted(set(given) - {grant.value for grant in GIVEN}):
        raise Unusable(_("Not a grant that is given: %(words)s.") % {"words": unknown[0][:80]})
    if given and held.is_public:
        raise Unusable(_("A client that proves nothing of itself is given no grant."))
    own = [grant for grant in held.grant_types if grant not in held.given_grants]
    given = [grant for grant in given if grant not in own]
    Client.objects.filter(pk=held.pk).update(grant_types=[*own, *given], given_grants=given, version=F("version") + 1)
    record(Event.CLIENT_GRANTS_GIVEN, by=by, about=held, detail={"before": held.given_grants, "given": given})
    transaction.on_commit(directory.forget_all)
    return Client.objects.select_related("agent").get(pk=held.pk)


def held_client(client: Client, version: int | None) -> Client:
    """Hold a living client of a living agent for the rest of the transaction; raises NotActive or Stale."""
    found = Client.objects.select_for_update(of=("self",)).select_related("agent")
    held = found.filter(pk=client.pk, status=Client.Status.ACTIVE).first()
    if held is None or held.agent is None or held.agent.status == Agent.Status.RETIRED:
        raise NotActive(client.client_id)
    if as_read(version) and held.version != version:
        raise Stale(held)
    return held


def _changed(held: Client, said: Mapping[str, Any], *, by: Principal, undoes: str = "") -> tuple[Client, str]:
    """Write what is said of a held client, if it is anything new; return it and its secret, where it got one."""
    described = _read(_without_rivals({**_document(held), **said}, said))
    columns = actions.columns_of(described, held.given_grants)
    now, secret = timezone.now(), ""
    changed = changes.between(held, columns, held.software_issuer, now=now)
    if not changed:
        return held, ""
    columns |= changes.pins(held, columns, now=now)
    if described.auth_method not in _SECRETS:
        columns |= {"client_secret": "", "further_secrets": []}
    elif held.auth_method not in _SECRETS:
        secret = opaque.make()
        columns["client_secret"] = opaque.salted_digest(secret)
    if held.jwks_uri != described.jwks_uri:
        columns = {"jwks": {}, **columns, "jwks_fetched_at": None}
    told = actions.told(changed) | ({"undoes": undoes} if undoes else {})
    entry = record(Event.CLIENT_CHANGED, by=by, about=held, detail=told)
    loses_secrets = held.auth_method in _SECRETS and described.auth_method not in _SECRETS
    edit = {"said": _before(held, said), "by": by.id, "at": now.isoformat(), "version": held.version + 1}
    columns["last_edit"] = None if undoes or loses_secrets else {**edit, "entry": entry.pk}
    columns |= looks.of_client(described.name)
    Client.objects.filter(pk=held.pk).update(version=F("version") + 1, **columns)
    if "client_secret" in columns:
        overlaps.forget(held, FIRST_SECRET)
    transaction.on_commit(directory.forget_all)
    return Client.objects.select_related("agent").get(pk=held.pk), secret


def _before(held: Client, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a client says now of that of which something else is said."""
    # Keys at an address and keys that were handed over take each other's place.
    named = {*said, *({"jwks"} if "jwks_uri" in said else ())}
    document = _document(held)
    return {name: document.get(name, "") for name in sorted(named)}


def _read(document: Mapping[str, Any]) -> ClientMetadata:
    said = {name: value for name, value in document.items() if (name, value) != ("redirect_uris", [])}
    try:
        return metadata.parse(said, by_admin=True)
    except OAuthError as error:
        raise Unusable(f"{error.description} ({error.reason})") from error


def _document(client: Client) -> dict[str, Any]:
    """Return what a client is in the words of its registration (RFC 7591 §2)."""
    keys = {"jwks_uri": client.jwks_uri} if client.jwks_uri else {"jwks": client.jwks} if client.jwks else {}
    return {
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "grant_types": [grant for grant in client.grant_types if grant not in client.given_grants],
        "token_endpoint_auth_method": client.auth_method,
        **client.metadata,
        **keys,
    }


def _without_rivals(document: dict[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Drop the keys that were there where an address of keys is said now: both exclude each other."""
    if said.get("jwks_uri"):
        document.pop("jwks", None)
    return {name: value for name, value in document.items() if value not in ("", None)}
