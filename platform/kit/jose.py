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

Parsed = tuple[Mapping[str, Any], Mapping[str, Any]]
"""Header and claims of a well-formed token, of which nothing is believed yet."""
VerifiedClaims = NewType("VerifiedClaims", Mapping[str, Any])
"""Claims whose signature, type and life were checked; only `verify` makes them."""


class BadToken(Exception):
    """The token is not acceptable; the message is for the log alone."""


class BadTime(BadToken):
    """It is over, or not yet good; `said` is when it says that it was made, in seconds since the epoch."""

    def __init__(self, reason: str, said: int) -> None:
        super().__init__(reason)
        self.said = said


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
    return verify_and_name(token, keys, expected, now=now)[0]


def verify_and_name(token: str, keys: Keys, expected: Expected, *, now: int) -> tuple[VerifiedClaims, jwk.JWK]:
    """Do the same, and return the key that signed beside the claims."""
    claims, key = _signed(token, keys, expected, unverified(token))
    if claims.get("iss") != expected.issuer:
        raise BadToken("iss")
    if expected.audience is not None and sole_audience(claims) != expected.audience:
        raise BadToken("aud")
    check_times(claims, now=now, expected=expected)
    return VerifiedClaims(claims), key


def signed(token: str, keys: Keys, expected: Expected, *, parsed: Parsed | None = None) -> Mapping[str, Any]:
    """Return what one of these keys signed, under the `typ` that is expected; the claims are still to be judged.

    `parsed` is what `unverified` made of this very token, for whoever looked into it before.
    """
    return _signed(token, keys, expected, parsed or unverified(token))[0]


def typ_of(token: str) -> str:
    """Return the `typ` that a well-formed token claims, in lower case and without `application/`; raises BadToken."""
    if not is_compact(token):
        raise BadToken("form")
    typ = _object(token.partition(".")[0]).get("typ", "")
    if not isinstance(typ, str):
        raise BadToken("typ")
    return typ.lower().removeprefix("application/")


def unverified(token: str) -> Parsed:
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


def _signed(token: str, keys: Keys, expected: Expected, parsed: Parsed) -> tuple[Mapping[str, Any], jwk.JWK]:
    header, claims = parsed
    _check_header(header, expected)
    for algorithm, key in _candidates(header, keys, expected):
        if _is_signed(token, key, algorithm):
            return claims, key
    raise BadToken("signature")


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


def check_times(claims: Mapping[str, Any], *, now: int, expected: Expected) -> None:
    """Check `exp`, `iat` and `nbf` against a moment in seconds since the epoch; raises BadToken."""
    times = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
    if any(type(value) is not int for value in times.values()):
        raise BadToken("a time is not an integer")
    said = times.get("iat", times.get("exp", 0))
    if times.get("exp", 0) <= now - expected.leeway:
        raise BadTime("exp", said)
    if expected.longest is not None and times["exp"] > now + expected.longest + expected.leeway:
        raise BadToken("exp lies too far ahead")
    if max(times.get("iat", 0), times.get("nbf", 0)) > now + expected.leeway:
        raise BadTime("iat or nbf lies ahead", said)


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
