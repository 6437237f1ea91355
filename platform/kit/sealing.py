"""Private keys sealed at rest: compact JWE (RFC 7516), `dir` with A256GCM, under a key from the environment.

Every sealed value names the key that sealed it, so that a new key can be put in front while the old one still opens.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from jwcrypto import jwe, jwk
from jwcrypto.common import json_encode


class CannotOpen(Exception):
    """The value was sealed with a key that is not configured, or was altered."""


def parse_key(text: str) -> bytes:
    """Return the 32 bytes of a base64url sealing key; raises ValueError when they are not 32."""
    try:
        key = base64.urlsafe_b64decode(text.strip() + "=" * (-len(text.strip()) % 4))
    except binascii.Error as error:
        raise ValueError("a sealing key is 32 bytes in base64url") from error
    if len(key) != 32:
        raise ValueError("a sealing key is 32 bytes in base64url")
    return key


def key_id(key: bytes) -> str:
    """Return a short name of a sealing key that does not reveal it."""
    return hashlib.sha256(b"remit sealing key id" + key).hexdigest()[:16]


def derive(key: bytes, purpose: str) -> bytes:
    """Return a 32-byte key for one purpose, derived by HMAC-SHA-256."""
    return hmac.new(key, f"remit {purpose}".encode(), hashlib.sha256).digest()


def prefix(key: bytes) -> str:
    """Return how every value begins that was sealed with this key."""
    return base64.urlsafe_b64encode(_header(key).encode()).rstrip(b"=").decode() + "."


def seal(plaintext: bytes, keys: Sequence[bytes]) -> str:
    """Return `plaintext` sealed with the first key."""
    token = jwe.JWE(plaintext, protected=_header(keys[0]))
    token.add_recipient(_as_jwk(keys[0]))
    return str(token.serialize(compact=True))


def unseal(sealed: str, keys: Sequence[bytes]) -> bytes:
    """Return the plaintext of a sealed value; raises CannotOpen."""
    token = jwe.JWE(algs=["dir", "A256GCM"])
    try:
        token.deserialize(sealed)
        named = token.jose_header.get("kid")
        for key in keys:
            if key_id(key) == named:
                token.decrypt(_as_jwk(key))
                return bytes(token.payload)
    except jwe.InvalidJWEData as error:
        raise CannotOpen("the sealed value was altered") from error
    raise CannotOpen("sealed with a key that is not configured")


def _header(key: bytes) -> str:
    return str(json_encode({"alg": "dir", "enc": "A256GCM", "kid": key_id(key)}))


def _as_jwk(key: bytes) -> jwk.JWK:
    return jwk.JWK(kty="oct", k=base64.urlsafe_b64encode(key).rstrip(b"=").decode())
