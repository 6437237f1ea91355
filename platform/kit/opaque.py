"""Machine-made secrets: made, digested, compared.

Every secret has 256 random bits, so that one SHA-256 protects it at rest: there is no dictionary to try. Only what
people type is shorter, and stored under a key.
"""

import base64
import hashlib
import hmac
import secrets

_UNKNOWN = hashlib.sha256(b"no such secret").hexdigest()


def make(prefix: str = "") -> str:
    """Return a new secret of 256 random bits in unreserved characters (RFC 3986, section 2.3)."""
    return f"{prefix}{secrets.token_urlsafe(32)}"


def make_key(prefix: str = "") -> str:
    """Return a new secret of 256 random bits in padded base 64 (RFC 4648, section 4), where a standard wants that."""
    return f"{prefix}{base64.b64encode(secrets.token_bytes(32)).decode()}"


def spell(alphabet: str, length: int) -> str:
    """Return random characters of an alphabet: for what people type, which is short and never lives long."""
    return "".join(secrets.choice(alphabet) for _ in range(length))


def digest(secret: str) -> str:
    """Return the hexadecimal SHA-256 under which a 256-bit secret is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def salted_digest(secret: str, salt: str = "") -> str:
    """Return `salt$digest`: the one salted hash of a client secret."""
    salt = salt or secrets.token_hex(8)
    return f"{salt}${hashlib.sha256(f'{salt}{secret}'.encode()).hexdigest()}"


def matches(secret: str, stored: str | None) -> bool:
    """Compare a secret with its salted digest in constant time; without one, do the same work and say no."""
    salt, _, expected = (stored or f"0${_UNKNOWN}").partition("$")
    same = hmac.compare_digest(salted_digest(secret, salt).partition("$")[2], expected)
    return same and bool(stored)


def same(left: str, right: str) -> bool:
    """Compare two strings in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())


def keyed_digest(secret: str, key: bytes) -> str:
    """Return the HMAC-SHA-256 under which a secret is stored that is short enough to try them all."""
    return hmac.new(key, secret.encode(), hashlib.sha256).hexdigest()


def successor(secret: str, key: bytes) -> str:
    """Return the secret that follows `secret` in a chain: only the holder of `key` can walk it, and only forwards."""
    return hmac.new(key, secret.encode(), hashlib.sha256).hexdigest()
