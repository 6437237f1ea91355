"""Who is calling: a JWT access token (RFC 9068), checked with the issuer's published keys, and asked about where an end
has to count at once.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from jwcrypto import jwk, jws
from jwcrypto.common import JWException

from examples.calendar_server.place import Place

ALGORITHMS = ("ES256", "RS256")
# A token signed by a key that we do not know makes us look again, but no flood of such tokens makes us look more often.
LOOK_AGAIN_AFTER = 5.0
PATIENCE = 5


class BadToken(Exception):
    """The token is not good here; the message is safe to send."""


@dataclass(frozen=True, slots=True)
class Caller:
    """What a good token says: an agent acts for a subject, with these scopes.

    `agents` are all in between, and the first one is the caller. The others are told of, not judged (RFC 8693 §4.1).
    """

    subject: str
    agents: tuple[str, ...]
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
            agents=tuple(_agents(claims)),
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
        async with httpx2.AsyncClient(timeout=PATIENCE) as http:
            document = (await http.get((await self._metadata(http))["jwks_uri"])).json()
        return {key["kid"]: jwk.JWK(**key) for key in document["keys"] if key.get("alg") in ALGORITHMS}

    async def _metadata(self, http: httpx2.AsyncClient) -> Mapping[str, Any]:
        host, slash, path = self._place.issuer.partition("/t/")
        metadata = (await http.get(f"{host}/.well-known/oauth-authorization-server{slash}{path}")).json()
        if metadata["issuer"] != self._place.issuer:
            raise BadToken("The issuer's metadata is somebody else's.")
        return dict(metadata)


class AskingVerifier(Verifier):
    """Checks a token as above, and then asks the issuer whether it still counts (RFC 7662): an end is an end at once.

    What is not good by itself is not asked about, so nobody makes us ask by sending rubbish.
    """

    def __init__(self, place: Place, client_id: str, secret: str) -> None:
        super().__init__(place)
        self._credentials = (client_id, secret)
        self._endpoint = ""

    async def verify(self, token: str) -> Caller:
        """Return who is calling; raises BadToken, also where the issuer does not answer."""
        caller = await super().verify(token)
        try:
            is_active = await self._is_active(token)
        except (httpx2.HTTPError, ValueError, KeyError) as error:
            raise BadToken("Nobody can say whether the token still counts.") from error
        if not is_active:
            raise BadToken("The token counts no more.")
        return caller

    async def _is_active(self, token: str) -> bool:
        async with httpx2.AsyncClient(timeout=PATIENCE) as http:
            self._endpoint = self._endpoint or str((await self._metadata(http))["introspection_endpoint"])
            answer = await http.post(self._endpoint, data={"token": token}, auth=self._credentials)
        return answer.json()["active"] is True


def _agents(claims: Mapping[str, Any]) -> Iterator[str]:
    while act := claims.get("act"):
        yield act["sub"]
        claims = act
