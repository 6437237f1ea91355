"""Client ID Metadata Documents (CIMD, draft -02): the client's id is the URL at which it says what it is.

A document is fetched when its client first comes, by the clock before it is stale, and again when it is no longer
fresh and a person is about to decide. At the token endpoint the last good one serves, for a week at most. Nothing of a
bad answer is kept. Where the document changes, what people agreed to no longer covers it (`Client.digest`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import IntegrityError
from django.utils import timezone

from agents import actions, directory, managing
from agents.models import Client
from agents.registration import statements
from agents.registration.statements import Vouched
from kit import client_ids, fetch
from kit.oauth import AuthMethod, InvalidClientMetadata, OAuthError
from tenants import directory as tenants_directory
from tenants.models import Tenant
from trust import outbound

LIMIT = 16 * 1024
SHORTEST, USUAL, LONGEST = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LAST_GOOD = timedelta(days=7)
"""How long a document that is stale still serves where nobody decides anything."""
_NEVER = frozenset({"client_secret", "client_secret_expires_at"})


@dataclass(frozen=True, slots=True)
class Described:
    """What a good document says, and until when it is fresh."""

    vouched: Vouched
    fresh_until: datetime


def client(client_id: str, *, must_be_fresh: bool = False) -> Client | None:
    """Return the client behind an id of whatever kind.

    Raises Unfetchable or InvalidClientMetadata/InvalidRedirectUri where its document cannot be had or is not good.
    """
    known = directory.client_now(client_id) if must_be_fresh else directory.client(client_id)
    if tenants_directory.current().documents == Tenant.Registration.OFF or not client_ids.is_document(client_id):
        return known if known is None or not known.is_document else None
    now = timezone.now()
    if known is not None and _serves(known, now, must_be_fresh=must_be_fresh):
        return known
    return renew(client_id, now)


def _serves(known: Client, now: datetime, *, must_be_fresh: bool) -> bool:
    """Say whether what is kept of a client will do; of one that is no document's there is nothing to fetch."""
    until: datetime | None = known.cimd_expires_at
    if not known.is_document or until is None:
        return not must_be_fresh
    return until > now - (timedelta(0) if must_be_fresh else LAST_GOOD)


def renew(url: str, now: datetime) -> Client:
    """Fetch a document and make or renew its client; raises as `client` does."""
    is_new = directory.client(url) is None
    if is_new and not _has_room(tenants_directory.current()):
        raise fetch.Unfetchable("too many unknown documents in this minute")
    try:
        found = described(url, now)
    except OAuthError as refusal:
        managing.refuse(url, refusal)
        raise
    except fetch.Unfetchable as error:
        # Of one that is known the clock tries again and again; that it waits is no news.
        if is_new:
            managing.refuse(url, InvalidClientMetadata(str(error)))
        raise
    try:
        return actions.register_document(url, found.vouched, fresh_until=found.fresh_until, now=now)
    except IntegrityError:
        # Two first requests at once: the other one made it.
        return actions.register_document(url, found.vouched, fresh_until=found.fresh_until, now=now)


def described(url: str, now: datetime) -> Described:
    """Fetch a document and judge it; raises Unfetchable, or an OAuthError of registration."""
    fetched = outbound.fetch_json(url, limit=LIMIT)
    keep = timedelta(seconds=fetched.max_age) if fetched.max_age is not None else USUAL
    return Described(read(url, fetched.document, now=now), now + min(max(keep, SHORTEST), LONGEST))


def _has_room(tenant: Tenant) -> bool:
    """Count documents that nobody has seen here: each leaves an agent behind, and hosts cost a stranger nothing."""
    key = f"{tenant.pk}:arrivals"
    cache.add(key, 0, timeout=60)
    try:
        return bool(cache.incr(key) <= settings.TENANT_REGISTRATIONS_PER_MINUTE)
    except ValueError:
        return True  # The minute ended between the two lines.


def read(url: str, document: Mapping[str, Any], *, now: datetime) -> Vouched:
    """Return what a document says (§4), with what is vouched for in it; raises an OAuthError of registration."""
    if document.get("client_id") != url:
        raise InvalidClientMetadata("client_id in the document is another URL")
    if _NEVER & document.keys():
        raise InvalidClientMetadata("a public document cannot hold a secret")
    if not isinstance(document.get("client_name"), str):
        raise InvalidClientMetadata("client_name is missing")
    vouched = statements.read_public(document, tenants_directory.current(), now=now)
    if vouched.metadata.auth_method in {AuthMethod.SECRET_BASIC, AuthMethod.SECRET_POST}:
        raise InvalidClientMetadata("a document's client cannot share a secret")
    return vouched
