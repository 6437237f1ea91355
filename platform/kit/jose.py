"""The one door for signed JWTs in compact form (RFC 7515, RFC 7519, RFC 8725): nobody else reads one.

The order is fixed: size, three parts, canonical base64url, one JSON object per part without repeated members, `typ`,
algorithm from an allow-list tied to the key, key by `kid` from the given set only, signature, then the claims.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NewType

from cryptography.exceptions import InvalidSignature
from jwcrypto import jwk
from jwcrypto.common import JWException
from jwcrypto.jwa import JWA

from kit import strict_json

MAX_LENGTH = 8 * 1024
MAX_DEPTH = 24
"""An `act` chain takes one level for each actor (RFC 8693 §4.1)."""
_NEVER_IN_HEADER = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"})

VerifiedClaims = NewType("VerifiedClaims", Mapping[str, Any])
"""Claims whose signature, type and life were checked; only `verify` makes them."""


class BadToken(Exception):
    """The token is not acceptable; the message is for the log alone."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must be: `typ`, issuer, audience (None: the caller compares it), and how far clocks may differ.

    Foreign tokens may be allowed to come without `typ` or with the bare `JWT` (7523bis §3.1.1), without `kid` (then
    each key of the header's algorithm is tried), and to be good for `longest` seconds from now at most.
    """

    typ: str
    issuer: str
    audience: str | None
    leeway: int = 0
    may_be_untyped: bool = False
    may_lack_kid: bool = False
    longest: int | None = None


def is_compact(token: str) -> bool:
    """Say whether a string has the outer form of a signed JWT, without trusting any of it."""
    return len(token) <= MAX_LENGTH and token.count(".") == 2 and token.isascii()


Keys = Mapping[str, tuple[str, jwk.JWK]]
"""A set of public keys: kid → the one algorithm that it is for, and the key."""


def verify(token: str, keys: Keys, expected: Expected, *, now: int) -> VerifiedClaims:
    """Return the claims of a token signed by one of `keys`; raises BadToken.

    `now` is in seconds since the epoch. `exp` is required; `nbf` and `iat` may not lie ahead by more than the leeway.
    """
    header, claims = unverified(token)
    _check_header(header, expected)
    candidates = _candidates(header, keys, expected)
    if not any(_is_signed(token, key, algorithm) for algorithm, key in candidates):
        raise BadToken("signature")
    if claims.get("iss") != expected.issuer:
        raise BadToken("iss")
    if expected.audience is not None and sole_audience(claims) != expected.audience:
        raise BadToken("aud")
    _check_times(claims, now=now, expected=expected)
    return VerifiedClaims(claims)


def unverified(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return header and claims of a well-formed token without believing them; raises BadToken."""
    if not is_compact(token):
        raise BadToken("form")
    header, payload, signature = token.split(".")
    _decode(signature)
    return _object(header), _object(payload)


def sole_audience(claims: Mapping[str, Any]) -> str | None:
    """Return the audience where there is exactly one, as a string or as a list of one; None otherwise."""
    audience = claims.get("aud")
    if isinstance(audience, list) and len(audience) == 1:
        audience = audience[0]
    return audience if isinstance(audience, str) else None


def _check_header(header: Mapping[str, Any], expected: Expected) -> None:
    typ = header.get("typ", "" if expected.may_be_untyped else None)
    if not isinstance(typ, str):
        raise BadToken("typ")
    allowed = {expected.typ, *(("", "jwt") if expected.may_be_untyped else ())}
    if typ.lower().removeprefix("application/") not in allowed:
        raise BadToken("typ")
    if _NEVER_IN_HEADER & header.keys():
        raise BadToken("header member that carries or changes a key")


def _candidates(header: Mapping[str, Any], keys: Keys, expected: Expected) -> Sequence[tuple[str, jwk.JWK]]:
    """Return the keys that may have signed: the named one, or all of the algorithm where none must be named."""
    kid, algorithm = header.get("kid"), header.get("alg")
    if kid is None and expected.may_lack_kid:
        found = [entry for entry in keys.values() if entry[0] == algorithm]
    else:
        found = [keys[kid]] if isinstance(kid, str) and kid in keys else []
    if not found:
        raise BadToken("kid")
    if any(entry[0] != algorithm for entry in found):
        raise BadToken("alg")
    return found


def _is_signed(token: str, key: jwk.JWK, algorithm: str) -> bool:
    # The library's algorithm, over the very bytes that came. Its JWS object would read the header a second time, and
    # copies a registry of all header members for each token: half of what a token costs.
    message, _, signature = token.rpartition(".")
    try:
        JWA.signing_alg(algorithm).verify(key, message.encode(), _decode(signature))
    except (InvalidSignature, JWException, ValueError, TypeError):
        return False
    return True


def _check_times(claims: Mapping[str, Any], *, now: int, expected: Expected) -> None:
    times = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
    if any(type(value) is not int for value in times.values()):
        raise BadToken("a time is not an integer")
    if times.get("exp", 0) <= now - expected.leeway:
        raise BadToken("exp")
    if expected.longest is not None and times["exp"] > now + expected.longest + expected.leeway:
        raise BadToken("exp lies too far ahead")
    if max(times.get("iat", 0), times.get("nbf", 0)) > now + expected.leeway:
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
        return strict_json.parse_object(_decode(part), limit=MAX_LENGTH, deepest=MAX_DEPTH)
    except ValueError as error:
        raise BadToken("JSON") from error
