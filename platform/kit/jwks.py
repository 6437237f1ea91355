"""JWK Sets of others (RFC 7517 §5): public signature keys only, each tied to one algorithm, twenty at most."""

from collections.abc import Mapping
from typing import Any

from jwcrypto import jwk
from jwcrypto.common import JWException

from kit.jose import Keys

MAX_KEYS = 20
MIN_RSA_BITS = 2048
ALGORITHMS = ("ES256", "RS256", "PS256", "EdDSA")
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_MEMBERS = frozenset({"kty", "crv", "x", "y", "n", "e", "kid", "alg", "use"})
_OF_CURVE = {"P-256": "ES256", "Ed25519": "EdDSA"}


class BadKeys(Exception):
    """The set is not acceptable; the message is for the log."""


def parse(document: Mapping[str, Any]) -> Keys:
    """Return the usable keys of a set by kid (the thumbprint where none is given); raises BadKeys.

    A private or symmetric key anywhere spoils the whole set: whoever published it does not know what they do. Keys for
    encryption, and of kinds that are not known here, are passed over.
    """
    listed = document.get("keys")
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_KEYS:
        raise BadKeys("a set has 1 to 20 keys")
    found: dict[str, tuple[str, jwk.JWK]] = {}
    for member in listed:
        if not isinstance(member, dict) or _PRIVATE & member.keys() or member.get("kty") == "oct":
            raise BadKeys("a key is not a public one")
        entry = _read(member)
        if entry is not None:
            found[entry[0]] = entry[1:]
    if not found:
        raise BadKeys("no key that can verify")
    return found


def holds_secrets(document: Mapping[str, Any]) -> bool:
    """Say whether a private or symmetric key stands in a set, or where a set should stand."""
    listed = document.get("keys")
    members = [document, *(listed if isinstance(listed, list) else ())]
    return any(isinstance(each, dict) and (_PRIVATE & each.keys() or each.get("kty") == "oct") for each in members)


def thumbprints(keys: Keys) -> dict[str, str]:
    """Return the algorithm of each key by its thumbprint (RFC 7638): a `kid` is whatever its owner says."""
    return {str(key.thumbprint()): algorithm for algorithm, key in keys.values()}


def _read(member: Mapping[str, Any]) -> tuple[str, str, jwk.JWK] | None:
    algorithm = _algorithm(member)
    if algorithm is None or member.get("use", "sig") != "sig":
        return None
    try:
        # The library makes a key of its own where a member `generate` asks for it.
        key = jwk.JWK(**{name: value for name, value in member.items() if name in _MEMBERS and isinstance(value, str)})
        kid = str(member.get("kid") or key.thumbprint())
        # The library opens a key when it is used: by then one that lies on no curve would have been registered.
        opened = key.get_op_key("verify")
        if member["kty"] == "RSA" and opened.key_size < MIN_RSA_BITS:
            raise BadKeys("an RSA key is too short")
    except (JWException, ValueError, TypeError) as error:
        raise BadKeys("a key cannot be read") from error
    return kid, algorithm, key


def _algorithm(member: Mapping[str, Any]) -> str | None:
    kind, named = member.get("kty"), member.get("alg")
    natural = "RS256" if kind == "RSA" else _OF_CURVE.get(str(member.get("crv")))
    if natural is None:
        return None
    if kind == "RSA" and named == "PS256":
        return "PS256"
    return natural if named is None or named == natural else None
