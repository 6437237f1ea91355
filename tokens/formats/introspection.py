"""What introspection says (RFC 7662 §2.2), and to whom: a stranger learns nothing but `active: false`."""

from collections.abc import Mapping
from datetime import datetime

from agents.models import Client
from kit import jose
from tenants.models import Tenant
from tokens import families, status
from tokens.formats import access_token
from tokens.models import AccessToken

INACTIVE: Mapping[str, object] = {"active": False}


def describe(token: str, tenant: Tenant, caller: Client, *, now: datetime) -> Mapping[str, object]:
    """Return the claims of a live token to a caller who may know them."""
    if parsed := families.parse(token):
        return _refresh(parsed, tenant, caller, now=now)
    try:
        claims = access_token.verify(token, tenant, audience=None, now=now)
    except jose.BadToken:
        return INACTIVE
    row = status.live_access_token(claims["jti"], now=now)
    if row is None or not _may_know(caller, row):
        return INACTIVE
    return {"active": True, "token_type": "Bearer", **claims}


def _may_know(caller: Client, row: AccessToken) -> bool:
    if caller.pk == row.client_id:
        return True
    return caller.resource_server is not None and caller.resource_server.identifier == row.audience


def _refresh(parsed: families.Parsed, tenant: Tenant, caller: Client, *, now: datetime) -> Mapping[str, object]:
    family = status.live_family(parsed.family_id, now=now)
    if family is None or family.client_id != caller.pk or parsed.generation != family.generation:
        return INACTIVE
    if families.walk(parsed, family) is None:
        return INACTIVE
    return {
        "active": True,
        "iss": tenant.issuer,
        "sub": family.subject,
        "client_id": caller.client_id,
        "scope": family.scope,
        "iat": int(family.rotated_at.timestamp()),
        **({"exp": int(family.expires.timestamp())} if family.expires else {}),
    }
