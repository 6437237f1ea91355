"""ID tokens (OpenID Connect Core §2): for the client alone, and never good as an access token."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kit import jose
from kit.jose import VerifiedClaims
from tenants.models import Tenant
from tokens import keys
from tokens.values import Authorization, SignIn

TYP = "JWT"
ALGORITHM = "RS256"
SECONDS = 300


def encode(authorization: Authorization, sign_in: SignIn, *, access_token: str, family_id: str) -> str:
    """Return the signed token. Its `sid` is the token family: with that ends what the token can be exchanged for."""
    issued = int(authorization.now.timestamp())
    claims: dict[str, Any] = {
        "iss": authorization.tenant.issuer,
        "sub": authorization.subject,
        "aud": authorization.client.client_id,
        "iat": issued,
        "exp": issued + SECONDS,
        "at_hash": _half_hash(access_token),
        "sid": family_id,
        # Left out where nothing that counts was proved: nobody who asks for it by `max_age` comes as far as this.
        **({"auth_time": moment} if (moment := int(sign_in.auth_time.timestamp())) else {}),
        **({"nonce": sign_in.nonce} if sign_in.nonce else {}),
    }
    return keys.sign(claims, typ=TYP, algorithm=ALGORITHM)


def verify(token: str, tenant: Tenant, *, audience: str, now: datetime) -> VerifiedClaims:
    """Return the claims of one of the tenant's own ID tokens for this client; raises jose.BadToken."""
    expected = jose.Expected(typ=TYP.lower(), issuer=tenant.issuer, audience=audience, longest=SECONDS)
    verified = jose.verify(token, keys.keyset().public, expected, now=int(now.timestamp()))
    # Person and family are looked up next: even under our own key it must be what `encode` writes.
    for name in ("sub", "sid"):
        if not isinstance(verified.get(name), str) or not verified[name].isascii():
            raise jose.BadToken(name)
    return verified


def identity(subject: str, *, name: str, email: str, scopes: frozenset[str]) -> Mapping[str, Any]:
    """Return the userinfo claims that the scopes open (OpenID Connect Core §5.4)."""
    claims: dict[str, Any] = {"sub": subject}
    if "profile" in scopes and name:
        claims["name"] = name
    if "email" in scopes:
        claims |= {"email": email, "email_verified": True}
    return claims


def _half_hash(value: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(value.encode()).digest()[:16]).rstrip(b"=").decode()
