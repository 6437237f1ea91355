"""An agent that works at another company on the word of its own (ID-JAG; MCP Enterprise-Managed Authorization).

A person signs in at home, once. For each server elsewhere the agent asks home for a grant, and the server's company
gives a token for it: no page there, and no registration. Presenting the grant is the MCP SDK's own provider,
unmodified; the sign-in and the asking are ours, in plain httpx.
"""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from mcp.client.auth.extensions.identity_assertion import IdentityAssertionOAuthProvider

from examples.agent.agent import Browser, Keeping, Witness, Work
from examples.agent.exchange import PATIENCE, TOKEN_EXCHANGE, Credentials, Refused

ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
ID_JAG = "urn:ietf:params:oauth:token-type:id-jag"


@dataclass(frozen=True, slots=True)
class Company:
    """An authorization server, and how the agent is known there."""

    issuer: str
    known_as: Credentials


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person who signed in at home. The ID token is for the agent alone, and is shown to home and nobody else."""

    id_token: str = field(repr=False)


class CrossingAgent:
    """The software that acts. `grants` holds what home answered, newest last."""

    def __init__(self, home: Company, browser: Browser, *, redirect_uri: str, witness: Witness | None = None) -> None:
        self._home = home
        self._browser = browser
        self._redirect_uri = redirect_uri
        self._witness = witness
        self.grants: list[dict[str, Any]] = []

    async def sign_in(self, person: str) -> SignedIn:
        """Let a person sign in at home (OpenID Connect, code flow); raises Refused."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        asked = {
            "response_type": "code",
            "client_id": self._home.known_as.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "prompt": "consent",
            "code_challenge": _base64url(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        answer = await self._browser(person, f"{self._home.issuer}/authorize?{urlencode(asked)}")
        if answer.state != state or answer.iss != self._home.issuer:
            raise Refused(self._home.known_as.client_id, "an answer to another question")
        form = {
            "grant_type": "authorization_code",
            "code": answer.code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
        }
        id_token = str((await self._ask_home(form))["id_token"])
        # It came from home itself, over a connection that proves it: that is enough here (OpenID Connect §3.1.3.7, 6).
        claims = _claims(id_token)
        if (claims["iss"], claims["aud"], claims["nonce"]) != (self._home.issuer, asked["client_id"], nonce):
            raise Refused(self._home.known_as.client_id, "an ID token for somebody else")
        return SignedIn(id_token)

    async def grant(self, signed_in: SignedIn, audience: str, resource: str, *, scope: str) -> str:
        """Return a grant of home for one resource of another company; raises Refused where home does not allow it."""
        form = {
            "grant_type": TOKEN_EXCHANGE,
            "requested_token_type": ID_JAG,
            "audience": audience,
            "resource": resource,
            "scope": scope,
            "subject_token": signed_in.id_token,
            "subject_token_type": ID_TOKEN,
        }
        answer = await self._ask_home(form)
        self.grants.append(answer)
        return str(answer["access_token"])

    def working_at(self, server_url: str, company: Company, signed_in: SignedIn, *, scope: str) -> Work:
        """Return what the agent does for a person at a server elsewhere; each token there is for a grant of its own."""
        keeping = Keeping({}, server_url)

        async def assertion(audience: str, resource: str) -> str:
            return await self.grant(signed_in, audience, resource, scope=scope)

        provider = IdentityAssertionOAuthProvider(
            server_url,
            keeping,
            client_id=company.known_as.client_id,
            client_secret=company.known_as.secret,
            issuer=company.issuer,
            assertion_provider=assertion,
            scope=scope,
            token_endpoint_auth_method="client_secret_basic",
        )
        return Work(provider, keeping, self._witness)

    async def _ask_home(self, form: dict[str, str]) -> dict[str, Any]:
        known_as = self._home.known_as
        async with httpx.AsyncClient(timeout=PATIENCE) as http:
            answer = await http.post(known_as.token_endpoint, data=form, auth=(known_as.client_id, known_as.secret))
        if answer.status_code != 200:
            raise Refused(known_as.client_id, answer.json()["error"])
        return dict(answer.json())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
