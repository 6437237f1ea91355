"""Issuers' public keys: one client for all of them.

The last good set is kept in the issuer's row. Whoever wants a newer one must win a conditional UPDATE first, so that
all processes together ask an issuer once in half a minute, whatever its assertions claim; everybody else goes on with
what is there, and nobody waits for a slow issuer but the one that asks. A set that cannot be had or read never
replaces a good one, which goes on for six hours. Keys come from the registered place alone, never from a header.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from kit import jwks
from kit.caching import TtlCache
from kit.fetch import Unfetchable
from kit.jose import Keys
from kit.jwks import BadKeys
from tenants.directory import current
from trust import outbound, swapped
from trust.models import TrustedIssuer

_log = structlog.get_logger("trust.keys")

LIMIT = 64 * 1024
FRESH = timedelta(minutes=10)
AHEAD = timedelta(minutes=5)
"""The clock fetches what is this old, so that no request finds keys that are not fresh."""
LOOK_AGAIN = timedelta(seconds=30)
LAST_GOOD = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class _Kept:
    keys: Keys
    fetched_at: datetime | None


# By the tenant's version too: an admin's change of an issuer holds at once, a fetch of another process in a moment.
_kept: TtlCache[tuple[str, str, int], _Kept] = TtlCache(ttl=settings.CACHE_SECONDS)


def of(issuer: TrustedIssuer, *, kid: object, now: datetime) -> Keys:
    """Return the keys with which an issuer may have signed; empty where there are none that may be believed."""
    kept = _kept.get(_key(issuer), lambda: _read(issuer)) or _Kept({}, None)
    if issuer.key_source == TrustedIssuer.KeySource.PASTED:
        return _allowed(kept.keys, issuer)
    age = now - kept.fetched_at if kept.fetched_at else timedelta.max
    is_unknown = not isinstance(kid, str) or kid not in kept.keys
    if (age > FRESH or is_unknown) and (fetched := refresh(issuer, now=now)) is not None:
        return _allowed(fetched, issuer)
    return _allowed(kept.keys, issuer) if age <= LAST_GOOD else {}


def refresh(issuer: TrustedIssuer, *, now: datetime) -> Keys | None:
    """Fetch an issuer's keys if nobody did in the last half minute; return them, or None where there are no newer."""
    due = Q(keys_asked_at=None) | Q(keys_asked_at__lte=now - LOOK_AGAIN)
    # An admin who says meanwhile that the keys are elsewhere, or what they are, has the last word.
    same = TrustedIssuer.objects.filter(pk=issuer.pk, key_source=issuer.key_source, jwks_uri=issuer.jwks_uri)
    if not same.filter(due, is_enabled=True).update(keys_asked_at=now):
        return None
    try:
        document = outbound.fetch_json(_place(issuer), limit=LIMIT).document
        found = jwks.parse(document)
    except (Unfetchable, BadKeys) as error:
        _log.info("no keys", issuer=issuer.issuer[:200], reason=str(error))
        return None
    is_kept = _keep(same, issuer, document, found)
    _kept.forget(_key(issuer))
    return found if is_kept else None


@transaction.atomic
def _keep(same: "QuerySet[TrustedIssuer]", issuer: TrustedIssuer, document: object, found: Keys) -> bool:
    """Keep what was fetched, and write down keys that nothing before vouches for (`swapped`)."""
    held = same.select_for_update().values_list("jwks", flat=True).first()
    before, now = _parsed(json.dumps(held)) if held else {}, timezone.now()
    told = swapped.moment(before, found, now=now)
    is_kept = bool(same.update(jwks=document, keys_fetched_at=now, **told))
    if is_kept and told:
        swapped.note(issuer, before, found)
    return is_kept


def refresh_due(now: datetime) -> int:
    """Fetch the current tenant's keys that would soon not be fresh any more; return how many were."""
    due = Q(keys_fetched_at=None) | Q(keys_fetched_at__lte=now - AHEAD)
    remote = TrustedIssuer.objects.exclude(key_source=TrustedIssuer.KeySource.PASTED)
    wanted = remote.filter(due, is_enabled=True).order_by("pk")
    return sum(refresh(issuer, now=now) is not None for issuer in wanted if not is_our_own(issuer.issuer))


def known(issuer: TrustedIssuer) -> Keys:
    """Return the keys by which an issuer is believed as its row has them; nobody is asked for them."""
    return _allowed(_parsed(json.dumps(issuer.jwks)), issuer) if issuer.jwks else {}


def is_silent(issuer: TrustedIssuer, *, now: datetime) -> bool:
    """Say whether an issuer was asked for its keys and gave none, for longer than the clock needs to ask again."""
    if not issuer.is_enabled or issuer.key_source == TrustedIssuer.KeySource.PASTED or is_our_own(issuer.issuer):
        return False
    if issuer.keys_fetched_at is None:
        return issuer.keys_asked_at is not None
    return now - issuer.keys_fetched_at > FRESH


def silent(now: datetime) -> "QuerySet[TrustedIssuer]":
    """Return all of which `is_silent` says so."""
    remote = TrustedIssuer.objects.filter(is_enabled=True).exclude(key_source=TrustedIssuer.KeySource.PASTED)
    none_came = Q(keys_fetched_at=None, keys_asked_at__isnull=False) | Q(keys_fetched_at__lt=now - FRESH)
    return remote.filter(none_came).exclude(issuer__startswith=f"{settings.PUBLIC_ORIGIN}/")


def is_our_own(issuer: str) -> bool:
    """Say whether an issuer is a tenant of this installation: its keys are read in process and never fetched."""
    return issuer == settings.PUBLIC_ORIGIN or issuer.startswith(f"{settings.PUBLIC_ORIGIN}/")


def places(issuer: str) -> tuple[str, str]:
    """Return where an issuer's metadata may lie: the document of OpenID Connect, and that of RFC 8414 §3.1."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    openid = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    return openid, f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}"


def forget_all() -> None:
    """Drop what this process keeps."""
    _kept.clear()


def _key(issuer: TrustedIssuer) -> tuple[str, str, int]:
    tenant = current()
    return tenant.pk, issuer.pk, tenant.version


def _place(issuer: TrustedIssuer) -> str:
    """Return where the keys are; where the metadata says it, it says so in a document about this very issuer."""
    if issuer.key_source == TrustedIssuer.KeySource.JWKS_URI:
        return issuer.jwks_uri
    first, second = places(issuer.issuer)
    try:
        return _named(first, issuer, may_be_missing=True)
    except Unfetchable:
        return _named(second, issuer)


def _named(place: str, issuer: TrustedIssuer, *, may_be_missing: bool = False) -> str:
    document = outbound.fetch_json(place, limit=LIMIT, may_be_missing=may_be_missing).document
    if document.get("issuer") != issuer.issuer or not isinstance(document.get("jwks_uri"), str):
        raise Unfetchable("metadata of another issuer, or without keys")
    return str(document["jwks_uri"])


def _read(issuer: TrustedIssuer) -> _Kept | None:
    row = TrustedIssuer.objects.filter(pk=issuer.pk).values("jwks", "keys_fetched_at").first()
    if row is None or not row["jwks"]:
        return None
    return _Kept(_parsed(json.dumps(row["jwks"])), row["keys_fetched_at"])


def _allowed(keys: Keys, issuer: TrustedIssuer) -> Keys:
    return {kid: entry for kid, entry in keys.items() if entry[0] in issuer.algorithms}


@lru_cache(maxsize=512)
def _parsed(document: str) -> Keys:
    """Return the keys of a set; opening one costs more than checking a signature with it."""
    try:
        return jwks.parse(json.loads(document))
    except BadKeys:
        return {}
