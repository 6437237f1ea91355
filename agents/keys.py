"""A client's public keys: as it gave them, or from its `jwks_uri` (RFC 7591 §2).

The last good set is kept. A `kid` that is not in it makes us look again, once a minute at most; a set that cannot be
had or read never replaces a good one, which goes on for an hour. A set in which no pinned key is left is a change that
somebody has to read, as it would be in the document itself (`registration.pinning`).
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from agents import admission, directory
from agents.models import Agent, Client
from agents.registration import pinning
from audit.events import Event
from audit.ledger import record
from audit.principals import Kind, Principal
from kit import jwks
from kit.fetch import Unfetchable
from kit.jose import Keys
from kit.jwks import BadKeys
from trust import outbound

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
    if is_wanted and (fetched := _fetch(client, now)) is not None:
        return fetched
    return kept if age <= LAST_GOOD else {}


def _fetch(client: Client, now: datetime) -> Keys | None:
    try:
        document = outbound.fetch_json(client.jwks_uri, limit=LIMIT).document
        found = jwks.parse(document)
    except (Unfetchable, BadKeys):
        return None
    return found if _keep(client, document, now=now) else None


@transaction.atomic
def _keep(client: Client, document: Mapping[str, object], *, now: datetime) -> bool:
    """Keep a set that was fetched, unless the keys are elsewhere meanwhile; ask about it where no pinned key is left.

    The set is judged against the row as it is: what another process fetched a moment ago counts.
    """
    held = Client.objects.select_for_update(of=("self",)).filter(pk=client.pk, jwks_uri=client.jwks_uri)
    known = held.select_related("agent").first()
    if known is None:
        return False
    moved = pinning.moved(known.key_pins, known.jwks, document, now=now)
    Client.objects.filter(pk=known.pk).update(
        jwks=document,
        jwks_fetched_at=timezone.now(),
        key_pins=moved.pins,
        key_turns=F("key_turns") + int(moved.is_swapped),
    )
    if known.jwks and document != known.jwks:
        by, told = Principal(Kind.CLIENT, known.client_id, known.name), {"before": moved.before, "after": moved.after}
        record(Event.CLIENT_KEYS_CHANGED, by=by, about=known, detail={**told, "are_others": moved.is_swapped})
    if moved.is_swapped and known.agent is not None and known.agent.registration != Agent.Registration.MANUAL:
        change = ("keys", moved.before, moved.after)
        admission.ask_again(known.agent, known, [change], is_free=admission.is_free(known))
    transaction.on_commit(directory.forget_all)
    return True


def _parsed(document: Mapping[str, object]) -> Keys:
    return _parsed_text(json.dumps(document)) if document else {}


@lru_cache(maxsize=512)
def _parsed_text(document: str) -> Keys:
    """Return the keys of a set; opening one costs more than checking a signature with it."""
    try:
        return jwks.parse(json.loads(document))
    except BadKeys:
        return {}
