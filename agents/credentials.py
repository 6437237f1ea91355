"""With what a client proves that it is itself: secrets and public keys, several at once, as one follows another.

A secret is shown once and kept as a salted digest. Nobody is locked out by one click: whoever retires the last way in
says that they mean it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext

from agents import across, directory, overlaps
from agents.clients import held_client
from agents.errors import LastWayIn, Unusable
from agents.models import Client, CredentialStory, FederatedCredential
from agents.models.client import FIRST_SECRET
from audit.events import Event
from audit.ledger import record
from audit.principals import Principal
from kit import identifiers, jwks, opaque
from kit.jwks import BadKeys
from kit.oauth import AuthMethod
from trust.models import TrustedIssuer

MOST_SECRETS = 5
BY_SECRET = {AuthMethod.SECRET_BASIC, AuthMethod.SECRET_POST}


@dataclass(frozen=True, slots=True)
class Credential:
    """One thing by which a client may prove itself; usable where that is how the client does."""

    id: str
    kind: str
    label: str
    is_usable: bool
    made_at: datetime | None = None
    first_used_at: datetime | None = None
    last_used_at: datetime | None = None
    overlap_days: int | None = None
    """How long it goes on once what follows it is first used; None where nobody said that it ends."""
    ends_at: datetime | None = None
    """When that is, once that was used."""

    @property
    def thumbprint(self) -> str:
        """Of a key its thumbprint (RFC 7638), by which it is the same wherever it is shown."""
        return self.id if self.kind == "key" else ""


def of(client: Client) -> list[Credential]:
    """Return all credentials of a client, oldest first of each kind."""
    return of_each([client])[client.pk]


def of_each(clients: Collection[Client]) -> Mapping[str, list[Credential]]:
    """Return all credentials of some clients, by the client's id, in two queries; oldest first of each kind."""
    platforms = defaultdict(list)
    for each in FederatedCredential.objects.filter(client__in=clients).select_related("issuer").order_by("pk"):
        platforms[each.client_id].append(each)
    known = overlaps.stories(clients)
    return {
        client.pk: [_told(each, known[client.pk]) for each in _all_of(client, platforms[client.pk])]
        for client in clients
    }


def secrets(client: Client) -> list[Credential]:
    """Return the secrets of a client, oldest first."""
    is_usable = client.auth_method in BY_SECRET
    first = (
        [Credential(FIRST_SECRET, "secret", "the first one", is_usable, client.created)] if client.client_secret else []
    )
    return first + [
        Credential(each["id"], "secret", each["id"], is_usable, parse_datetime(each["made_at"]))
        for each in client.further_secrets
    ]


def good_secrets(clients: Iterable[Client]) -> list[Credential]:
    """Return the secrets that prove something of clients that are active."""
    active = [client for client in clients if client.status == Client.Status.ACTIVE]
    return [each for client in active for each in secrets(client) if each.is_usable]


def oldest_at(found: Iterable[Credential]) -> datetime | None:
    """Return when the oldest of some credentials was made: of keys nobody says it."""
    return min((each.made_at for each in found if each.made_at is not None), default=None)


@transaction.atomic
def add_secret(
    client: Client, *, by: Principal, version: int | None = None, overlap_days: int | None = None
) -> tuple[Credential, str]:
    """Give a client a further secret, shown this once; raises Unusable, NotActive or Stale.

    The others stay good until somebody retires them, or for so many days from the first use of this one.
    """
    held = held_client(client, version)
    if held.auth_method not in BY_SECRET:
        raise Unusable(gettext("This client proves itself in another way."))
    if len(secrets(held)) >= MOST_SECRETS:
        raise Unusable(gettext("A client has at most %(most)s secrets. Retire one first.") % {"most": MOST_SECRETS})
    secret, now = opaque.make(), timezone.now()
    kept = {"id": identifiers.make("sec"), "digest": opaque.salted_digest(secret), "made_at": now.isoformat()}
    _write(held, further_secrets=[*held.further_secrets, kept])
    told = overlaps.arrange(held, secrets(held), kept["id"], overlap_days)
    record(Event.CLIENT_SECRET_ADDED, by=by, about=held, detail={"credential": kept["id"], **told})
    return Credential(kept["id"], "secret", kept["id"], True, now), secret


@transaction.atomic
def add_key(
    client: Client,
    unverified_jwk: Mapping[str, Any],
    *,
    by: Principal,
    version: int | None = None,
    overlap_days: int | None = None,
) -> Credential:
    """Give a client a further public key (RFC 7517); raises Unusable, also for a private one, NotActive or Stale.

    The others stay good as beside a further secret.
    """
    held = held_client(client, version)
    if held.is_document or held.jwks_uri:
        raise Unusable(gettext("Its keys are where it publishes them."))
    thumbprint, label = _thumbprint(unverified_jwk)
    listed = list(held.jwks.get("keys", []))
    if any(_thumbprint_or_none(each) == thumbprint for each in listed):
        raise Unusable(gettext("It has this key already."))
    if any(each.get("kid") == label for each in listed):
        raise Unusable(gettext("Another of its keys has this kid."))
    try:
        jwks.parse({"keys": [*listed, dict(unverified_jwk)]})
    except BadKeys as error:
        raise Unusable(gettext("A client has at most 20 keys.")) from error
    _write(held, jwks={"keys": [*listed, dict(unverified_jwk)]})
    now = timezone.now()
    overlaps.came(held, thumbprint, now=now)
    told = overlaps.arrange(held, _keys(held), thumbprint, overlap_days)
    record(Event.CLIENT_KEY_ADDED, by=by, about=held, detail={"credential": thumbprint, **told})
    return Credential(thumbprint, "key", label, held.auth_method == AuthMethod.PRIVATE_KEY_JWT, now)


@transaction.atomic
def add_platform(
    client: Client,
    issuer: TrustedIssuer,
    subject: str,
    *,
    by: Principal,
    claims: Mapping[str, Any] | None = None,
    audience: str = "",
    version: int | None = None,
) -> Credential:
    """Let a platform's token about a subject stand for a secret; raises as `across.federate`."""
    made = across.federate(client, issuer, subject, by=by, claims=claims, audience=audience, version=version)
    return Credential(made.pk, "platform", f"{made.subject} of {made.issuer}", True, made.created_at)


@transaction.atomic
def retire(
    client: Client,
    credential_id: str,
    *,
    by: Principal,
    even_if_last: bool = False,
    version: int | None = None,
    reason: str = "",
) -> None:
    """Take a credential back: from the commit on it proves nothing.

    Raises Unusable where there is none of this id, LastWayIn where nothing usable would be left and that was not
    said to be meant, NotActive or Stale.
    """
    held = held_client(client, version)
    known = of(held)
    found = next((each for each in known if each.id == credential_id), None)
    if found is None or found.kind == "key_set":
        raise Unusable(gettext("There is no such credential to retire."))
    if found.is_usable and not even_if_last and sum(each.is_usable for each in known) == 1:
        raise LastWayIn(credential_id)
    _RETIRE[found.kind](held, found, by, reason)
    overlaps.forget(held, found.id)


def _all_of(client: Client, platforms: Iterable[FederatedCredential]) -> list[Credential]:
    by_platform = client.auth_method == AuthMethod.FEDERATED
    return [
        *secrets(client),
        *_keys(client),
        *(
            Credential(each.pk, "platform", f"{each.subject} of {each.issuer}", by_platform, each.created_at)
            for each in platforms
        ),
    ]


def _told(credential: Credential, known: Mapping[str, CredentialStory]) -> Credential:
    """Return a credential with what is known of it beside itself."""
    story = known.get(credential.id)
    if story is None:
        return credential
    return replace(
        credential,
        made_at=credential.made_at or story.made_at,
        first_used_at=story.first_used_at,
        last_used_at=story.last_used_at,
        overlap_days=story.overlap_days,
        ends_at=overlaps.ends_at(story, known),
    )


def _keys(client: Client) -> list[Credential]:
    is_usable = client.auth_method == AuthMethod.PRIVATE_KEY_JWT
    if client.jwks_uri:
        return [Credential("jwks_uri", "key_set", client.jwks_uri, is_usable, client.jwks_fetched_at)]
    found = [(_thumbprint_or_none(each), each) for each in client.jwks.get("keys", [])]
    return [Credential(key, "key", str(jwk.get("kid", key)), is_usable) for key, jwk in found if key]


def _retire_secret(client: Client, found: Credential, by: Principal, reason: str) -> None:
    if found.id == FIRST_SECRET:
        _write(client, client_secret="")
    else:
        _write(client, further_secrets=[each for each in client.further_secrets if each["id"] != found.id])
    record(Event.CLIENT_SECRET_RETIRED, by=by, about=client, reason=reason, detail={"credential": found.id})


def _retire_key(client: Client, found: Credential, by: Principal, reason: str) -> None:
    if client.is_document:
        raise Unusable(gettext("Its keys are where it publishes them."))
    left = [each for each in client.jwks.get("keys", []) if _thumbprint_or_none(each) != found.id]
    _write(client, jwks={"keys": left} if left else {})
    record(Event.CLIENT_KEY_RETIRED, by=by, about=client, reason=reason, detail={"credential": found.id})


def _retire_platform(client: Client, found: Credential, by: Principal, reason: str) -> None:
    across.unfederate(FederatedCredential.objects.select_related("client").get(pk=found.id), by=by)
    _write(client)


_RETIRE = {"secret": _retire_secret, "key": _retire_key, "platform": _retire_platform}


def _write(client: Client, **fields: object) -> None:
    Client.objects.filter(pk=client.pk).update(version=F("version") + 1, **fields)
    transaction.on_commit(directory.forget_all)


def _thumbprint(jwk: Mapping[str, Any]) -> tuple[str, str]:
    """Return a public key's thumbprint (RFC 7638) and what it is called; raises Unusable."""
    try:
        ((kid, (_, key)),) = jwks.parse({"keys": [dict(jwk)]}).items()
    except BadKeys as error:
        # Never the text of the key: it may be a private one.
        raise Unusable(gettext("This is no public key that can be used: %(error)s.") % {"error": error}) from error
    return key.thumbprint(), kid


def _thumbprint_or_none(jwk: Mapping[str, Any]) -> str | None:
    try:
        return _thumbprint(jwk)[0]
    except Unusable:
        return None
