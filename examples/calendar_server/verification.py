"""Who is calling: a JWT access token (RFC 9068) against the issuer's published keys, and nothing else."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from jwcrypto import jwk, jws
from jwcrypto.common import JWException

from examples.calendar_server.place import Place

ALGORITHMS = ("ES256", "RS256")
# A token signed by a key that we do not know makes us look again, but no flood of such tokens makes us look more often.
LOOK_AGAIN_AFTER = 5.0


class BadToken(Exception):
    """The token is not good here; the message is safe to send."""


@dataclass(frozen=True, slots=True)
class Caller:
    """What a good token says: an agent acts for a subject, with these scopes."""

    subject: str
    agent: str
    client_id: str
    scopes: frozenset[str]
    expires_at: int


class Verifier:
    """Holds the issuer's keys, as its metadata points at them (RFC 8414 §2)."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._keys: Mapping[str, jwk.JWK] = {}
        self._looked_at = -LOOK_AGAIN_AFTER

    async def verify(self, token: str) -> Caller:
        """Return who is calling; raises BadToken."""
        signed = jws.JWS()
        signed.allowed_algs = list(ALGORITHMS)
        try:
            signed.deserialize(token)
            header = signed.jose_header
            if header.get("typ") != "at+jwt":
                raise BadToken("This is not an access token.")
            key = await self._key(str(header.get("kid", "")))
            # The algorithm is the key's, not the token's choice (RFC 8725 §3.1).
            signed.verify(key, key.get("alg"))
            claims = json.loads(signed.payload)
        except (JWException, ValueError, TypeError) as error:
            raise BadToken("The token's signature is not good.") from error
        return self._judge(claims)

    def _judge(self, claims: Mapping[str, Any]) -> Caller:
        if claims.get("iss") != self._place.issuer:
            raise BadToken("The token is from another issuer.")
        if claims.get("aud") != self._place.resource:
            raise BadToken("The token is for another server.")
        if int(claims.get("exp", 0)) <= time.time():
            raise BadToken("The token is over.")
        return Caller(
            subject=claims["sub"],
            agent=claims.get("act", {}).get("sub", "nobody in between"),
            client_id=claims["client_id"],
            scopes=frozenset(claims.get("scope", "").split()),
            expires_at=claims["exp"],
        )

    async def _key(self, kid: str) -> jwk.JWK:
        if kid not in self._keys and time.monotonic() - self._looked_at > LOOK_AGAIN_AFTER:
            self._looked_at = time.monotonic()
            self._keys = await self._published()
        if kid not in self._keys:
            raise BadToken("The token is signed by a key that the issuer does not publish.")
        return self._keys[kid]

    async def _published(self) -> dict[str, jwk.JWK]:
        host, slash, path = self._place.issuer.partition("/t/")
        async with httpx2.AsyncClient(timeout=5) as http:
            metadata = (await http.get(f"{host}/.well-known/oauth-authorization-server{slash}{path}")).json()
            if metadata["issuer"] != self._place.issuer:
                raise BadToken("The issuer's metadata is somebody else's.")
            document = (await http.get(metadata["jwks_uri"])).json()
        return {key["kid"]: jwk.JWK(**key) for key in document["keys"] if key.get("alg") in ALGORITHMS}
