"""RFC 8628 §3.4: a device code, once, by the client that asked, after a person allowed it.

Until then the device polls. When it polled last and how long it has to wait stand in its row, because the next poll may
reach another process; nothing else is written before the mint.
"""

from datetime import datetime, timedelta

from agents.models import Client
from kit import opaque
from kit.oauth import (
    AccessDenied,
    AuthorizationPending,
    ExpiredToken,
    GrantType,
    InvalidGrant,
    OAuthError,
    Replayed,
    SlowDown,
    UnsupportedGrantType,
)
from tenants.models import Tenant
from tokens import rows
from tokens.models import DeviceGrant
from tokens.values import DeviceUse, Proof, SignIn, TokenRequest

GRANT_TYPE = GrantType.DEVICE_CODE
PARAMETERS = ("device_code",)
DOUBLE_SUBMIT = timedelta(seconds=2)
STEP = 5
SLACK = timedelta(seconds=1)
"""How much earlier than agreed a poll may arrive: the way here takes no two of them the same time."""


def prove(tenant: Tenant, client: Client, request: TokenRequest) -> Proof:
    """Return what a person allowed a device; raises InvalidGrant and its kin, or what the device has to wait for."""
    if tenant.device_codes == Tenant.Devices.OFF:
        raise UnsupportedGrantType("the tenant takes no device codes")
    grant = rows.device_grant(opaque.digest(request.one("device_code")))
    if grant is None:
        raise InvalidGrant("unknown device code")
    if grant.used_at is not None:
        _judge_replay(grant, request, honest=grant.client_id == client.pk)
    if grant.client_id != client.pk:
        raise InvalidGrant(f"{grant.pk}: device code of another client")
    if grant.status != DeviceGrant.Status.ALLOWED or grant.expires <= request.presented_at:
        raise _verdict(grant, now=request.now)
    assert grant.member_id is not None
    assert grant.auth_time is not None
    return Proof(
        tenant=tenant,
        subject=grant.member_id,
        actor=client.agent,
        client=client,
        scopes=frozenset(grant.scope.split()),
        delegations=rows.delegations(grant.delegations),
        may_infer_audience=True,
        consumes=DeviceUse(grant.pk),
        sign_in=SignIn(grant.auth_time),
    )


def _verdict(grant: DeviceGrant, *, now: datetime) -> OAuthError:
    """Say why there is no token (RFC 8628 §3.5)."""
    if grant.status in {DeviceGrant.Status.DENIED, DeviceGrant.Status.REPORTED}:
        return AccessDenied(f"{grant.pk} was {grant.status}")
    if grant.expires <= now:
        return ExpiredToken(f"{grant.pk} is over")
    if rows.poll(grant, after=timedelta(seconds=grant.poll_seconds) - SLACK, now=now):
        return AuthorizationPending(f"{grant.pk} waits")
    rows.slow_down(grant, by=STEP, now=now)
    return SlowDown(f"{grant.pk} was asked for too often")


def _judge_replay(grant: DeviceGrant, request: TokenRequest, *, honest: bool) -> None:
    # As with an authorization code: we cannot tell thief from owner, but for the owner's own double submit.
    assert grant.used_at is not None
    if honest and request.now - grant.used_at <= DOUBLE_SUBMIT:
        raise InvalidGrant(f"{grant.pk} was sent twice at once")
    raise Replayed(f"{grant.pk} was replayed", family=grant.family_id or "")
