"""JWT access tokens (RFC 9068): `typ: at+jwt`, one audience, the sentence as claims."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agents.models import Agent
from kit import jose
from kit.jose import VerifiedClaims
from tenants import directory
from tenants.models import Tenant
from tokens import keys
from tokens.values import Authorization

TYP = "at+jwt"


def encode(authorization: Authorization, token_id: str) -> str:
    """Return the signed token."""
    protected = directory.resource_server(authorization.audience)
    algorithm = protected.server.signing_algorithm if protected else "ES256"
    return keys.sign(claims(authorization, token_id), typ=TYP, algorithm=algorithm)


def claims(authorization: Authorization, token_id: str) -> Mapping[str, Any]:
    """Return the claims (RFC 9068 §2.2; `act`: RFC 8693 §4.1)."""
    issued = int(authorization.now.timestamp())
    content: dict[str, Any] = {
        "iss": authorization.tenant.issuer,
        "sub": authorization.subject,
        "client_id": authorization.client.client_id,
        "scope": authorization.scope,
        "aud": authorization.audience,
        "iat": issued,
        "exp": issued + authorization.seconds,
        "jti": token_id,
        "delegation_id": authorization.delegation.pk,
    }
    if authorization.actor is not None:
        content["act"] = act(authorization.tenant, authorization.actor)
    return content


def act(tenant: Tenant, agent: Agent) -> Mapping[str, Any]:
    """Return who is speaking for the subject: identity claims only (RFC 8693 §4.1)."""
    return {"iss": tenant.issuer, "sub": agent.pk, "sub_profile": "ai_agent"}


def verify(token: str, tenant: Tenant, *, audience: str | None, now: datetime) -> VerifiedClaims:
    """Return the claims of one of the tenant's own access tokens; raises jose.BadToken."""
    expected = jose.Expected(typ=TYP, issuer=tenant.issuer, audience=audience)
    claims = jose.verify(token, keys.keyset().public, expected, now=int(now.timestamp()))
    # The id is looked up next: even under our own key it must be what the mint writes.
    if not isinstance(claims.get("jti"), str) or not claims["jti"].isascii():
        raise jose.BadToken("jti")
    return claims
