"""Looking trust up, kept in process by the tenant's version: whoever reads it reads what the mint compares."""

from collections.abc import Mapping

from django.conf import settings

from kit.caching import TtlCache
from tenants.directory import current
from trust.models import Audience, TrustedIssuer

_issuers: TtlCache[tuple[str, int], Mapping[str, TrustedIssuer]] = TtlCache(ttl=settings.CACHE_SECONDS)
_audiences: TtlCache[tuple[str, int], Mapping[str, Audience]] = TtlCache(ttl=settings.CACHE_SECONDS)


def issuer(identifier: object, purpose: TrustedIssuer.Purpose) -> TrustedIssuer | None:
    """Return an issuer whose word counts for a purpose, by its exact identifier."""
    if not isinstance(identifier, str):
        return None
    found = (_issuers.get(_policy(), _load_issuers) or {}).get(identifier)
    return found if found is not None and found.serves(purpose) else None


def audience(identifier: str) -> Audience | None:
    """Return another authorization server that takes our grants, by its exact issuer identifier."""
    found = (_audiences.get(_policy(), _load_audiences) or {}).get(identifier)
    return found if found is not None and found.is_enabled else None


def forget_all() -> None:
    """Drop what this process keeps."""
    _issuers.clear()
    _audiences.clear()


def _policy() -> tuple[str, int]:
    tenant = current()
    return tenant.pk, tenant.version


def _load_issuers() -> Mapping[str, TrustedIssuer]:
    # Keys move without an admin's word, and are kept apart (`trust.keys`).
    return {each.issuer: each for each in TrustedIssuer.objects.filter(removed_at=None).defer("jwks")}


def _load_audiences() -> Mapping[str, Audience]:
    return {each.issuer: each for each in Audience.objects.all()}
