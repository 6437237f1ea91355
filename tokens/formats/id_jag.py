"""Identity assertion grants (ID-JAG §3.1, `typ: oauth-id-jag+jwt`): for one authorization server elsewhere, once.

The subject is who the person is in this tenant's ID tokens: what that server would see if people signed in there
through us. No access token: its `typ` and its `aud` keep it from every other place.
"""

from collections.abc import Mapping
from typing import Any

from tokens import keys
from tokens.formats import claims
from tokens.keys import Signer
from tokens.values import Authorization

TYP = "oauth-id-jag+jwt"
SECONDS = 300


def encode(authorization: Authorization, token_id: str, signer: Signer) -> str:
    """Return the grant, signed by the key that was chosen before it was recorded."""
    body = {name: value for name, value in _claims(authorization, token_id).items() if value not in (None, "")}
    return keys.sign_with(signer, body, typ=TYP)


def _claims(authorization: Authorization, token_id: str) -> Mapping[str, Any]:
    proof, destination = authorization.proof, authorization.proof.destination
    assert destination is not None
    issued = int(authorization.now.timestamp())
    return {
        "iss": authorization.tenant.issuer,
        "sub": authorization.subject,
        "aud": destination.audience.issuer,
        "client_id": destination.client_id,
        "jti": token_id,
        "iat": issued,
        "exp": issued + authorization.seconds,
        "resource": destination.resource,
        "scope": authorization.scope,
        "act": claims.act(authorization.tenant, authorization.actors),
        "auth_time": int(proof.sign_in.auth_time.timestamp()) or None if proof.sign_in else None,
        "aud_tenant": destination.audience.aud_tenant,
        "email": destination.email,
        "email_verified": True if destination.email else None,
    }
