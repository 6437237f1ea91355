"""A tenant's keys: loaded, cached, signing, verifying, published as a JWKS (RFC 7517).

jwcrypto owns keys, sealing and verification; a signature of our own takes the key's `cryptography` object (a quarter
of the time, and the only JOSE made by hand).
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from django.conf import settings
from jwcrypto import jwk

from kit import context, sealing
from kit.caching import TtlCache
from tenants import directory
from tokens.errors import NoActiveKey
from tokens.models import SigningKey

_KEPT = 256
JWKS_SECONDS = 3600
"""How long whoever fetched the key set may keep it: what we promise, and what every step of a key waits for."""
ALGORITHMS = ("ES256", "RS256")
PUBLISHED = (SigningKey.Status.NEXT, SigningKey.Status.ACTIVE, SigningKey.Status.RETIRED)
_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "ES256": {"kty": "EC", "crv": "P-256"},
    "RS256": {"kty": "RSA", "size": 2048},
}


@dataclass(frozen=True)
class Signer:
    """An active key; it is opened when something is signed with it."""

    kid: str
    algorithm: str
    sealed: str

    @cached_property
    def private(self) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
        # Opening an RSA key takes 30 ms, and most requests sign with the other one.
        opened = jwk.JWK.from_json(sealing.unseal(self.sealed, settings.SEALING_KEYS).decode())
        key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = opened.get_op_key("sign")
        return key


@dataclass(frozen=True, slots=True)
class Keyset:
    """A tenant's keys as a process holds them."""

    signers: Mapping[str, Signer]
    public: Mapping[str, tuple[str, jwk.JWK]]
    document: bytes


# By tenant and its version, which moves with every key that begins or ceases to sign, and which the mint compares:
# no token is recorded under a key that does not sign any more.
_keysets: TtlCache[tuple[str, int], Keyset] = TtlCache(ttl=settings.CACHE_SECONDS, limit=_KEPT)
_last: dict[str, Keyset] = {}
"""What was loaded last: opening an RSA key takes 30 ms, and a tenant's keys are read anew every few seconds. A key that
the database no longer holds is not taken over from it."""


def keyset() -> Keyset:
    """Return the current tenant's keys."""
    tenant = directory.current()
    return _keysets.get((tenant.pk, tenant.version), _load) or Keyset({}, {}, b'{"keys":[]}')


def forget_all() -> None:
    """Drop what this process keeps; other processes follow within CACHE_SECONDS."""
    _keysets.clear()
    _last.clear()


def sign(claims: Mapping[str, Any], *, typ: str, algorithm: str) -> str:
    """Return the compact JWS of `claims` under the tenant's active key; raises NoActiveKey."""
    return sign_with(signer(algorithm), claims, typ=typ)


def signer(algorithm: str) -> Signer:
    """Return the tenant's active key; raises NoActiveKey."""
    found = keyset().signers.get(algorithm)
    if found is None:
        raise NoActiveKey(algorithm)
    return found


def sign_with(signer: Signer, claims: Mapping[str, Any], *, typ: str) -> str:
    """Return the compact JWS of `claims` under a key that was chosen before."""
    header = {"typ": typ, "alg": signer.algorithm, "kid": signer.kid}
    message = f"{_part(header)}.{_part(claims)}"
    return f"{message}.{_encode(_signature(signer, message.encode()))}"


def generate(algorithm: str) -> tuple[str, Mapping[str, Any], str]:
    """Return a new key pair: its kid (RFC 7638 thumbprint), the public JWK, and the sealed private part."""
    key = jwk.JWK.generate(**_PARAMETERS[algorithm])
    kid = key.thumbprint()
    public = {**key.export_public(as_dict=True), "kid": kid, "alg": algorithm, "use": "sig"}
    sealed = sealing.seal(key.export_private().encode(), settings.SEALING_KEYS)
    return kid, public, sealed


def _load() -> Keyset | None:
    rows = SigningKey.objects.filter(status__in=PUBLISHED).order_by("pk")
    last = _last.pop(context.require_id(), None)
    known = {signer.kid: signer for signer in last.signers.values()} if last else {}
    signers, public = {}, {}
    for row in rows:
        public[row.kid] = (row.algorithm, jwk.JWK(**row.public))
        if row.status == SigningKey.Status.ACTIVE:
            signers[row.algorithm] = known.get(row.kid) or Signer(row.kid, row.algorithm, row.sealed_private)
    document = json.dumps({"keys": [row.public for row in rows]}, separators=(",", ":")).encode()
    if len(_last) >= _KEPT:
        _last.clear()
    _last[context.require_id()] = Keyset(signers, public, document)
    return _last[context.require_id()]


def _signature(signer: Signer, message: bytes) -> bytes:
    if isinstance(signer.private, rsa.RSAPrivateKey):
        return signer.private.sign(message, padding.PKCS1v15(), hashes.SHA256())
    r, s = decode_dss_signature(signer.private.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _part(value: Mapping[str, Any]) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
