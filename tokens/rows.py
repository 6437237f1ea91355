"""The rows of codes and token families: how the hot path reads them, and with what the mint writes them."""

from collections.abc import Sequence
from datetime import datetime

from agents.models import Client
from delegations.models import READ, Delegation
from kit import context, statements
from kit.statements import Columns, Statement, written_json, written_moment
from tokens.models import AuthorizationCode, RefreshToken

_CODE = Columns(
    AuthorizationCode, "id", "tenant_id", "client_id", "member_id", "family_id", "scope", "redirect_uri",
    "code_challenge", "nonce", "delegations", "auth_time", "expires", "used_at",
)  # fmt: skip
_FAMILY = Columns(
    RefreshToken, "id", "tenant_id", "client_id", "subject", "scope", "digest", "generation", "delegations",
    "rotated_at", "expires", "auth_time", "created", "revoked",
)  # fmt: skip
_CODES, _FAMILIES = AuthorizationCode._meta.db_table, RefreshToken._meta.db_table
_OF_CODE = f"SELECT {_CODE.listed()} FROM {_CODES} WHERE code = %s AND tenant_id = %s"
_OF_FAMILY = f"SELECT {_FAMILY.listed()} FROM {_FAMILIES} WHERE id = %s AND tenant_id = %s"
_OF_DELEGATIONS = f"SELECT {READ.listed()} FROM {Delegation._meta.db_table} WHERE tenant_id = %s AND id IN"
_USE_CODE = f"UPDATE {_CODES} SET used_at = %s, family_id = %s WHERE id = %s AND tenant_id = %s AND used_at IS NULL"
_ROTATE = (
    f"UPDATE {_FAMILIES} SET generation = generation + 1, digest = %s, rotated_at = %s "
    "WHERE id = %s AND tenant_id = %s AND generation = %s AND revoked IS NULL"
)
_OPEN = (
    f"INSERT INTO {_FAMILIES} (id, tenant_id, client_id, subject, scope, delegations, digest, generation, "
    "rotated_at, created, expires, auth_time) VALUES (%s, %s, %s, %s, %s, %s, %s, 0, %s, %s, %s, %s)"
)


def code(digest: str) -> AuthorizationCode | None:
    """Return an authorization code of the current tenant by the digest of what was sent."""
    found = statements.first(_OF_CODE, [digest, context.require_id()])
    return _CODE.read(found) if found else None


def family(family_id: str) -> RefreshToken | None:
    """Return a token family of the current tenant."""
    found = statements.first(_OF_FAMILY, [family_id, context.require_id()])
    return _FAMILY.read(found) if found else None


def delegations(ids: Sequence[str]) -> tuple[Delegation, ...]:
    """Return delegations of the current tenant, in whatever state."""
    if not ids:
        return ()
    found = statements.every(f"{_OF_DELEGATIONS} ({', '.join(['%s'] * len(ids))})", [context.require_id(), *ids])
    return tuple(map(READ.read, found))


def use_code(code_id: str, family_id: str, *, now: datetime) -> Statement:
    """Use up a code; writes nothing where another request was first."""
    return Statement(_USE_CODE, [written_moment(now), family_id, code_id, context.require_id()])


def rotate_family(family_id: str, generation: int, *, digest: str, now: datetime) -> Statement:
    """Move a family to its next generation; writes nothing where it moved already or is revoked."""
    return Statement(_ROTATE, [digest, written_moment(now), family_id, context.require_id(), generation])


def open_family(
    family_id: str,
    *,
    client: Client,
    subject: str,
    scope: str,
    delegations: Sequence[str],
    digest: str,
    now: datetime,
    expires: datetime | None,
    auth_time: datetime | None,
) -> Statement:
    """Write a new token family."""
    moment = written_moment(now)
    later = [written_moment(each) if each else None for each in (expires, auth_time)]
    values = [
        family_id, context.require_id(), client.pk, subject, scope, written_json(delegations), digest, moment, moment,
    ]  # fmt: skip
    return Statement(_OPEN, [*values, *later])
