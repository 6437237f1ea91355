"""The rows of codes and token families: how the hot path reads them, and with what the mint writes them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from agents.models import Client
from delegations.models import READ, Delegation
from kit import context, identifiers, statements
from kit.statements import Columns, Statement, written_json, written_moment
from tenants.models import Membership
from tokens.models import AuthorizationCode, Deferral, DeviceGrant, RefreshToken
from tokens.values import GrantUse
from trust.models import UsedGrant

_CODE = Columns(
    AuthorizationCode, "id", "tenant_id", "client_id", "member_id", "family_id", "scope", "redirect_uri",
    "code_challenge", "nonce", "delegations", "auth_time", "expires", "used_at",
)  # fmt: skip
_FAMILY = Columns(
    RefreshToken, "id", "tenant_id", "client_id", "subject", "scope", "digest", "generation", "delegations",
    "rotated_at", "expires", "auth_time", "created", "revoked",
)  # fmt: skip
_DEVICE = Columns(
    DeviceGrant, "id", "tenant_id", "client_id", "member_id", "family_id", "scope", "delegations", "auth_time",
    "status", "poll_seconds", "expires", "used_at",
)  # fmt: skip
_DEVICES = DeviceGrant._meta.db_table
_CODES, _FAMILIES = AuthorizationCode._meta.db_table, RefreshToken._meta.db_table
_OF_CODE = f"SELECT {_CODE.listed()} FROM {_CODES} WHERE code = %s AND tenant_id = %s"
_OF_FAMILY = f"SELECT {_FAMILY.listed()} FROM {_FAMILIES} WHERE id = %s AND tenant_id = %s"
_OF_DELEGATIONS = f"SELECT {READ.listed()} FROM {Delegation._meta.db_table} WHERE tenant_id = %s AND id IN"
_USE_CODE = f"UPDATE {_CODES} SET used_at = %s, family_id = %s WHERE id = %s AND tenant_id = %s AND used_at IS NULL"
_OF_DEVICE = f"SELECT {_DEVICE.listed()} FROM {_DEVICES} WHERE device_code = %s AND tenant_id = %s"
_USE_DEVICE_CODE = (
    f"UPDATE {_DEVICES} SET used_at = %s, family_id = %s "
    "WHERE id = %s AND tenant_id = %s AND used_at IS NULL AND status = 'allowed'"
)
_POLL = (
    f"UPDATE {_DEVICES} SET polled_at = %s WHERE id = %s AND tenant_id = %s AND poll_seconds = %s "
    "AND (polled_at IS NULL OR polled_at <= %s)"
)
_SLOW_DOWN = f"UPDATE {_DEVICES} SET polled_at = %s, poll_seconds = poll_seconds + %s WHERE id = %s AND tenant_id = %s"
_USE_DEFERRAL = (
    f"UPDATE {Deferral._meta.db_table} SET used_at = %s "
    "WHERE id = %s AND tenant_id = %s AND used_at IS NULL AND status IN ('waiting', 'allowed')"
)
_ROTATE = (
    f"UPDATE {_FAMILIES} SET generation = generation + 1, digest = %s, key_thumbprint = %s, rotated_at = %s "
    "WHERE id = %s AND tenant_id = %s AND generation = %s AND revoked IS NULL"
)
_OPEN = (
    f"INSERT INTO {_FAMILIES} (id, tenant_id, client_id, subject, scope, delegations, digest, generation, "
    "redirect_host, key_thumbprint, label, ended_by, rotated_at, created, expires, auth_time) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, 0, %s, %s, '', '', %s, %s, %s, %s)"
)


_MEMBER = Columns(Membership, "id", "tenant_id", "user_id", "role", "role_until", "status", "groups")
_LINKED = (
    f"SELECT u.is_active AND m.status = 'active', l.created_at, l.vouched_as, {_MEMBER.listed('m')} "
    "FROM trust_subjectlink l JOIN tenants_membership m ON m.id = l.member_id JOIN tenants_user u ON u.id = m.user_id "
    "WHERE l.tenant_id = %s AND l.issuer_id = %s AND l.subject = %s"
)
_SIGNED_IN = (
    f"SELECT u.email, {_MEMBER.listed('m')} FROM tenants_membership m JOIN tenants_user u ON u.id = m.user_id "
    "WHERE m.tenant_id = %s AND m.id = %s AND m.status = 'active' AND u.is_active AND EXISTS ("
    "SELECT 1 FROM delegations_delegation d WHERE d.tenant_id = m.tenant_id AND d.ended_at IS NULL "
    "AND (d.expires_at IS NULL OR d.expires_at > %s) AND d.id IN"
)
_WAS_USED = f"SELECT 1 FROM {UsedGrant._meta.db_table} WHERE tenant_id = %s AND issuer_id = %s AND jti = %s"
_USE_GRANT = (
    f"INSERT INTO {UsedGrant._meta.db_table} (id, tenant_id, issuer_id, jti, expires_at) "
    "VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
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


def linked(issuer_id: str, subject: str) -> tuple[Membership, datetime, bool, str] | None:
    """Return whom a subject of an issuer is linked to, since when, whether they have a place now, and vouched how."""
    found = statements.first(_LINKED, [context.require_id(), issuer_id, subject])
    if found is None:
        return None
    linked_at = statements.read_moment(found[1])
    assert linked_at is not None
    return _MEMBER.read(found[3:]), linked_at, bool(found[0]), str(found[2])


def signed_in(family: RefreshToken, *, now: datetime) -> tuple[Membership, str] | None:
    """Return who signed in to open a family, and their address, while they and what they allowed are alive."""
    if not family.delegations:
        return None
    text = f"{_SIGNED_IN} ({', '.join(['%s'] * len(family.delegations))}))"
    values = [context.require_id(), family.subject, written_moment(now), *family.delegations]
    found = statements.first(text, values)
    return (_MEMBER.read(found[1:]), str(found[0])) if found else None


def grant_was_used(issuer_id: str, jti: str) -> bool:
    """Say whether an assertion of an issuer, by the digest of its `jti`, bought a token before."""
    return statements.first(_WAS_USED, [context.require_id(), issuer_id, jti]) is not None


def use_code(code_id: str, family_id: str, *, now: datetime) -> Statement:
    """Use up a code; writes nothing where another request was first."""
    return Statement(_USE_CODE, [written_moment(now), family_id, code_id, context.require_id()])


def device_grant(digest: str) -> DeviceGrant | None:
    """Return a device's request of the current tenant by the digest of its device code."""
    found = statements.first(_OF_DEVICE, [digest, context.require_id()])
    return _DEVICE.read(found) if found else None


def use_device_code(grant_id: str, family_id: str, *, now: datetime) -> Statement:
    """Use up a device code; writes nothing where another request was first."""
    return Statement(_USE_DEVICE_CODE, [written_moment(now), family_id, grant_id, context.require_id()])


def use_deferral(deferral_id: str, *, now: datetime) -> Statement:
    """Use up a deferral; writes nothing where another poll was first, or it was cancelled."""
    return Statement(_USE_DEFERRAL, [written_moment(now), deferral_id, context.require_id()])


def poll(grant: DeviceGrant, *, after: timedelta, now: datetime) -> bool:
    """Write down that a device asked; False where it asked less than `after` before, or twice at once."""
    values = [written_moment(now), grant.pk, context.require_id(), grant.poll_seconds, written_moment(now - after)]
    return statements.changed(_POLL, values) == 1


def slow_down(grant: DeviceGrant, *, by: int, now: datetime) -> None:
    """Make a device wait longer from now on."""
    statements.changed(_SLOW_DOWN, [written_moment(now), by, grant.pk, context.require_id()])


def use_grant(use: GrantUse) -> Statement:
    """Use up an assertion of a trusted issuer; writes nothing where it bought a token before."""
    values = [identifiers.make("jti"), context.require_id(), use.issuer_id, use.jti, written_moment(use.expires_at)]
    return Statement(_USE_GRANT, values)


def rotate_family(family_id: str, generation: int, *, digest: str, key_thumbprint: str, now: datetime) -> Statement:
    """Move a family to its next generation; writes nothing where it moved already or is revoked."""
    moved = [digest, key_thumbprint, written_moment(now)]
    return Statement(_ROTATE, [*moved, family_id, context.require_id(), generation])


def open_family(
    family_id: str,
    *,
    client: Client,
    subject: str,
    scope: str,
    delegations: Sequence[str],
    digest: str,
    redirect_host: str,
    now: datetime,
    expires: datetime | None,
    auth_time: datetime | None,
    key_thumbprint: str,
) -> Statement:
    """Write a new token family."""
    moment = written_moment(now)
    later = [written_moment(each) if each else None for each in (expires, auth_time)]
    values = [
        family_id, context.require_id(), client.pk, subject, scope, written_json(delegations), digest, redirect_host,
        key_thumbprint, moment, moment,
    ]  # fmt: skip
    return Statement(_OPEN, [*values, *later])
