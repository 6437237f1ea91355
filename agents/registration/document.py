"""Client ID Metadata Documents (CIMD, draft -02): the client's id is the URL at which it says what it is.

A document is fetched when its client first comes, and again when it is no longer fresh and a person is about to
decide; at the token endpoint the last good one serves. Nothing of a bad answer is kept. Where the document changes,
what people agreed to no longer covers it (`Client.digest`).
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from django.db import IntegrityError
from django.utils import timezone

from agents import actions, directory, outbound
from agents.models import Client
from agents.registration import metadata
from agents.registration.metadata import ClientMetadata
from kit import fetch
from kit.oauth import AuthMethod, InvalidClientMetadata
from tenants import directory as tenants_directory
from tenants.models import Tenant

LIMIT = 16 * 1024
SHORTEST, USUAL, LONGEST = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_DOTS = re.compile(r"/\.{1,2}(?:/|$)")
_NEVER = frozenset({"client_secret", "client_secret_expires_at"})


def is_document_id(client_id: str) -> bool:
    """Say whether a client id is a Client Identifier URL (§3): https, a path, no dot segments, nothing hidden."""
    if not client_id.startswith("https://") or len(client_id) > 255 or not fetch.is_fetchable(client_id):
        return False
    # The raw string is judged: a URL parser would fold `/a/../b`, also where the dots are percent-encoded.
    path = urlsplit(client_id).path
    return path not in {"", "/"} and not _DOTS.search(unquote(path)) and not _DOTS.search(unquote(unquote(path)))


def client(client_id: str, *, must_be_fresh: bool = False) -> Client | None:
    """Return the client behind an id of whatever kind.

    Raises Unfetchable or InvalidClientMetadata/InvalidRedirectUri where its document cannot be had or is not good.
    """
    known = directory.client_now(client_id) if must_be_fresh else directory.client(client_id)
    if tenants_directory.current().documents != Tenant.Registration.OPEN or not is_document_id(client_id):
        return known if known is None or not known.is_document else None
    now = timezone.now()
    if known is not None and (not must_be_fresh or (known.cimd_expires_at and known.cimd_expires_at > now)):
        return known
    return _fetch(client_id, now)


def _fetch(url: str, now: datetime) -> Client:
    fetched = outbound.fetch_json(url, limit=LIMIT)
    described = parse(url, fetched.document)
    keep = timedelta(seconds=fetched.max_age) if fetched.max_age is not None else USUAL
    fresh_until = now + min(max(keep, SHORTEST), LONGEST)
    try:
        return actions.register_document(url, described, fresh_until=fresh_until)
    except IntegrityError:
        # Two first requests at once: the other one made it.
        return actions.register_document(url, described, fresh_until=fresh_until)


def parse(url: str, document: Mapping[str, Any]) -> ClientMetadata:
    """Return what a document says (§4); raises InvalidClientMetadata or InvalidRedirectUri."""
    if document.get("client_id") != url:
        raise InvalidClientMetadata("client_id in the document is another URL")
    if _NEVER & document.keys():
        raise InvalidClientMetadata("a public document cannot hold a secret")
    if not isinstance(document.get("client_name"), str):
        raise InvalidClientMetadata("client_name is missing")
    described = metadata.parse(document, default_method=AuthMethod.NONE, is_public=True)
    if described.auth_method in {AuthMethod.SECRET_BASIC, AuthMethod.SECRET_POST}:
        raise InvalidClientMetadata("a document's client cannot share a secret")
    return described
