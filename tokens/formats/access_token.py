"""Access tokens: JWTs (RFC 9068, `typ: at+jwt`), or opaque ones for servers that must ask each time.

An opaque token is `<id>.<secret>`; only the secret's digest is kept.
"""

from datetime import datetime

from django.conf import settings

from kit import jose, opaque
from kit.caching import TtlCache
from kit.jose import VerifiedClaims
from tenants import directory
from tenants.models import ResourceServer, Tenant
from tokens import keys
from tokens.formats import claims
from tokens.keys import Signer
from tokens.values import Authorization

TYP = "at+jwt"
_verified: TtlCache[tuple[str, str], VerifiedClaims] = TtlCache(ttl=settings.CACHE_SECONDS)


def new_secret(audience: str) -> str:
    """Return a secret where the resource server takes opaque tokens, and "" where it takes JWTs."""
    protected = directory.resource_server(audience)
    is_opaque = protected is not None and protected.server.token_format == ResourceServer.TokenFormat.OPAQUE
    return opaque.make() if is_opaque else ""


def algorithm_for(audience: str) -> str:
    """Return how tokens for a resource server are signed."""
    protected = directory.resource_server(audience)
    return protected.server.signing_algorithm if protected else "ES256"


def encode(authorization: Authorization, token_id: str, voucher: str | Signer) -> str:
    """Return the token: with its secret, or signed by the key that was chosen before it was recorded."""
    if isinstance(voucher, str):
        return f"{token_id}.{voucher}"
    return keys.sign_with(voucher, claims.of_authorization(authorization, token_id), typ=TYP)


def parse_opaque(token: str) -> tuple[str, str] | None:
    """Return id and unverified secret of what looks like an opaque token, or None."""
    token_id, dot, secret = token.partition(".")
    looks_so = token_id.startswith("tok_") and dot and token.isascii() and 0 < len(secret) <= 64 and "." not in secret
    return (token_id, secret) if looks_so and len(token_id) <= 64 and "\x00" not in token else None


def verify(token: str, tenant: Tenant, *, audience: str | None, now: datetime) -> VerifiedClaims:
    """Return the claims of one of the tenant's own JWTs; raises jose.BadToken.

    A server asks about a token each time that it is called: the signature is checked once in CACHE_SECONDS, as old as
    the keys that this process knows may be. Time and audience are compared each time.
    """
    seconds = int(now.timestamp())
    verified = _verified.get((tenant.pk, opaque.digest(token)), lambda: _signed(token, tenant, seconds))
    assert verified is not None
    if verified["exp"] <= seconds:
        raise jose.BadToken("exp")
    if audience is not None and jose.sole_audience(verified) != audience:
        raise jose.BadToken("aud")
    return verified


def forget_all() -> None:
    """Drop what this process keeps."""
    _verified.clear()


def _signed(token: str, tenant: Tenant, seconds: int) -> VerifiedClaims:
    expected = jose.Expected(typ=TYP, issuer=tenant.issuer, audience=None)
    verified = jose.verify(token, keys.keyset().public, expected, now=seconds)
    # The id is looked up next: even under our own key it must be what the mint writes.
    if not isinstance(verified.get("jti"), str) or not verified["jti"].isascii():
        raise jose.BadToken("jti")
    return verified
