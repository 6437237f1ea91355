"""What introspection says (RFC 7662 §2.2), and to whom: a stranger learns nothing but `active: false`."""

from collections.abc import Mapping
from datetime import datetime

from agents import directory
from agents.models import Client
from agents.models.agent import under
from kit import jose
from tenants import directory as tenants_directory
from tenants.models import Tenant
from tokens import families, reading, status
from tokens.errors import Stale
from tokens.reading import Read
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
    left = _left(read, tenant)
    if not left or not _may_know(caller, read.live):
        return INACTIVE
    return {"active": True, "token_type": "Bearer", **read.claims, **_ends(read), "scope": " ".join(sorted(left))}


def _left(read: Read, tenant: Tenant) -> frozenset[str]:
    """Return the scopes of a token that its resource, its delegation and the agent's ceiling still have."""
    live = read.live
    scopes = frozenset(str(read.claims.get("scope", "")).split()) & live.scopes
    if live.audience == tenant.issuer:
        return scopes
    protected = tenants_directory.resource_server(live.audience)
    known = scopes & protected.scopes.keys() if protected else frozenset()
    if live.is_handed_on and protected:
        known -= protected.kept_scopes
    return under(live.ceiling, live.audience, known)


def _ends(read: Read) -> Mapping[str, int]:
    """Return when a token is over, where an earlier end was set to its delegation than it knows of."""
    ends, known = read.live.stands_until, read.claims.get("exp")
    if ends is None or not isinstance(known, int):
        return {}
    return {"exp": min(known, int(ends.timestamp()))}


def _check_caller(caller: Client) -> None:
    """Look at the caller again where no statement about a live token did: an old secret is refused at once."""
    known = directory.client_now(caller.client_id)
    if known is None or known.version != caller.version:
        raise Stale(caller.client_id)


def _may_know(caller: Client, live: Live) -> bool:
    if caller.pk == live.client_pk:
        return True
    served = caller.resource_server
    return served is not None and served.retired_at is None and served.identifier == live.audience


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
