"""The one door for signed JWTs in compact form (RFC 7515, RFC 7519, RFC 8725): nobody else reads one.

The order is fixed: size, three parts, canonical base64url, one JSON object per part without repeated members, `typ`,
algorithm from an allow-list tied to the key, key by `kid` from the given set only, signature, then the claims.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NewType

from jwcrypto import jwk, jws
from jwcrypto.common import JWException

from kit import strict_json

MAX_LENGTH = 8 * 1024
_NEVER_IN_HEADER = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"})

VerifiedClaims = NewType("VerifiedClaims", Mapping[str, Any])
"""Claims whose signature, type and life were checked; only `verify` makes them."""


class BadToken(Exception):
    """The token is not acceptable; the message is for the log alone."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must be: `typ`, issuer, audience (None: the caller compares it), and how far clocks may differ."""

    typ: str
    issuer: str
    audience: str | None
    leeway: int = 0


def is_compact(token: str) -> bool:
    """Say whether a string has the outer form of a signed JWT, without trusting any of it."""
    return len(token) <= MAX_LENGTH and token.count(".") == 2 and token.isascii()


def verify(token: str, keys: Mapping[str, tuple[str, jwk.JWK]], expected: Expected, *, now: int) -> VerifiedClaims:
    """Return the claims of a token signed by one of `keys` (kid → algorithm, key); raises BadToken.

    `now` is in seconds since the epoch. `exp` is required; `nbf` and `iat` may not lie ahead by more than the leeway.
    """
    header, claims = unverified(token)
    if str(header.get("typ", "")).lower().removeprefix("application/") != expected.typ:
        raise BadToken("typ")
    if _NEVER_IN_HEADER & header.keys():
        raise BadToken("header member that carries or changes a key")
    kid = header.get("kid")
    if not isinstance(kid, str) or kid not in keys:
        raise BadToken("kid")
    algorithm, key = keys[kid]
    if header.get("alg") != algorithm:
        raise BadToken("alg")
    _check_signature(token, key, algorithm)
    if claims.get("iss") != expected.issuer:
        raise BadToken("iss")
    if expected.audience is not None and claims.get("aud") != expected.audience:
        raise BadToken("aud")
    _check_times(claims, now=now, leeway=expected.leeway)
    return VerifiedClaims(claims)


def unverified(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return header and claims of a well-formed token without believing them; raises BadToken."""
    if not is_compact(token):
        raise BadToken("form")
    header, payload, signature = token.split(".")
    _decode(signature)
    return _object(header), _object(payload)


def _check_signature(token: str, key: jwk.JWK, algorithm: str) -> None:
    verifier = jws.JWS()
    verifier.allowed_algs = [algorithm]
    try:
        verifier.deserialize(token)
        verifier.verify(key, algorithm)
    except (JWException, ValueError, TypeError) as error:
        raise BadToken("signature") from error


def _check_times(claims: Mapping[str, Any], *, now: int, leeway: int) -> None:
    times = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
    if any(type(value) is not int for value in times.values()):
        raise BadToken("a time is not an integer")
    if times.get("exp", 0) <= now - leeway:
        raise BadToken("exp")
    if max(times.get("iat", 0), times.get("nbf", 0)) > now + leeway:
        raise BadToken("iat or nbf lies ahead")


def _decode(part: str) -> bytes:
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadToken("base64url") from error
    # Trailing bits would give one token two spellings.
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        raise BadToken("base64url is not canonical")
    return raw


def _object(part: str) -> Mapping[str, Any]:
    try:
        return strict_json.parse_object(_decode(part), limit=MAX_LENGTH)
    except ValueError as error:
        raise BadToken("JSON") from error
