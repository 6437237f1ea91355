"""A client's public keys: as it gave them, or from its `jwks_uri` (RFC 7591 §2).

The last good set is kept. A `kid` that is not in it makes us look again, once a minute at most; a set that cannot be
had or read never replaces a good one, which goes on for an hour.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from django.db import transaction
from django.utils import timezone

from agents import directory, outbound
from agents.models import Client
from audit.events import Event
from audit.ledger import record
from audit.principals import Kind, Principal
from kit import jwks
from kit.fetch import Unfetchable
from kit.jose import Keys
from kit.jwks import BadKeys

LIMIT = 64 * 1024
FRESH = timedelta(minutes=10)
LOOK_AGAIN = timedelta(minutes=1)
LAST_GOOD = timedelta(hours=1)


def of(client: Client, *, kid: object, now: datetime) -> Keys:
    """Return the keys with which a client may have signed; empty where there are none."""
    if not client.jwks_uri:
        return _parsed(client.jwks)
    kept = _parsed(client.jwks)
    age = now - client.jwks_fetched_at if client.jwks_fetched_at else timedelta.max
    is_wanted = age > FRESH or (isinstance(kid, str) and kid not in kept and age > LOOK_AGAIN)
    if is_wanted and (fetched := _fetch(client)) is not None:
        return fetched
    return kept if age <= LAST_GOOD else {}


def _fetch(client: Client) -> Keys | None:
    try:
        document = outbound.fetch_json(client.jwks_uri, limit=LIMIT).document
        found = jwks.parse(document)
    except (Unfetchable, BadKeys):
        return None
    _keep(client, document)
    return found


@transaction.atomic
def _keep(client: Client, document: Mapping[str, object]) -> None:
    Client.objects.filter(pk=client.pk).update(jwks=document, jwks_fetched_at=timezone.now())
    if client.jwks and document != client.jwks:
        record(Event.CLIENT_KEYS_CHANGED, by=Principal(Kind.CLIENT, client.client_id, client.name), about=client)
    transaction.on_commit(directory.forget_all)


def _parsed(document: Mapping[str, object]) -> Keys:
    return _parsed_text(json.dumps(document)) if document else {}


@lru_cache(maxsize=512)
def _parsed_text(document: str) -> Keys:
    """Return the keys of a set; opening one costs more than checking a signature with it."""
    try:
        return jwks.parse(json.loads(document))
    except BadKeys:
        return {}
