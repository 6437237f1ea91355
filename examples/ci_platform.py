"""What a CI platform gives each of its jobs: a token in the shape of GitHub Actions', which says which job it is.

A real platform makes one when a job asks, for the audience that the job names, and publishes its keys. This one is
there for a moment, so its public key was handed to the tenant by hand.
"""

import hashlib
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from jwcrypto import jwk, jwt

SECONDS = 300


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform by its issuer identifier, and its key."""

    issuer: str
    key: jwk.JWK

    def token(self, audience: str, **says: Any) -> str:
        """Return a signed token about a job."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": audience,
            "jti": str(uuid.uuid4()),
            "iat": now,
            "nbf": now,
            "exp": now + SECONDS,
            "event_name": "push",
            **says,
        }
        header = {"alg": "ES256", "typ": "JWT", "kid": self.key.thumbprint()}
        made = jwt.JWT(header=json.dumps(header), claims=json.dumps(claims))
        made.make_signed_token(self.key)
        return str(made.serialize())


def key_of(words: str) -> jwk.JWK:
    """Return a key pair made of words: for a demonstration that two sides play, and for nothing else."""
    number = int.from_bytes(hashlib.sha256(words.encode()).digest(), "big")
    return jwk.JWK.from_pyca(ec.derive_private_key(number, ec.SECP256R1()))
