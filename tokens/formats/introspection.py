"""What introspection says (RFC 7662 §2.2), and to whom: a stranger learns nothing but `active: false`."""

from collections.abc import Mapping
from datetime import datetime

from agents import directory
from agents.models import Client
from kit import jose
from tenants.models import Tenant
from tokens import families, reading, status
from tokens.errors import Stale
from tokens.status import Live

INACTIVE: Mapping[str, object] = {"active": False}


def describe(token: str, tenant: Tenant, caller: Client, *, now: datetime) -> Mapping[str, object]:
    """Return the claims of a live token to a caller who may know them; raises Stale where the caller has changed."""
    if parsed := families.parse(token):
        _check_caller(caller)
        return _refresh(parsed, tenant, caller, now=now)
    try:
        read = reading.live(token, tenant, now=now, asker=caller.pk)
    except jose.BadToken:
        _check_caller(caller)
        return INACTIVE
    if read.live.asker_version != caller.version:
        raise Stale(caller.client_id)
    if not _may_know(caller, read.live):
        return INACTIVE
    return {"active": True, "token_type": "Bearer", **read.claims}


def _check_caller(caller: Client) -> None:
    """Look at the caller again where no statement about a live token did: an old secret is refused at once."""
    known = directory.client_now(caller.client_id)
    if known is None or known.version != caller.version:
        raise Stale(caller.client_id)


def _may_know(caller: Client, live: Live) -> bool:
    if caller.pk == live.client_pk:
        return True
    return caller.resource_server is not None and caller.resource_server.identifier == live.audience


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
