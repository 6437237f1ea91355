"""Calling a client back once its deferred answer can be fetched (DTR, callback): a hint, and polling stays what counts.

The call goes only where the client registered it to go, with the token that came with the request, and carries the
deferral code and nothing else. Nobody who decides waits for it: the clock looks for what was decided. It is made at
least once, a few times at most, and again after a poll that was told to wait on.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db.models import F, Q, QuerySet

from agents.models import Approval, Client
from agents.registration.metadata import CALLBACK
from kit import sealing
from kit.fetch import Unfetchable
from kit.oauth import InvalidRequest
from tenants import directory
from tenants.models import Tenant
from tokens.models import Deferral
from tokens.values import TokenRequest
from trust import outbound

BATCH = 20
CLAIM = timedelta(minutes=10)
PAUSES = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1))
"""Before each further attempt; after the last one it is given up."""
MAX_TOKEN = 1024
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_RECEIVED = frozenset({200, 204})
_Status, _Decision = Deferral.Status, Approval.Status
_log = structlog.get_logger("remit.callbacks")


def check(request: TokenRequest) -> None:
    """Refuse a token that could not stand behind `Bearer` (RFC 6750 §2.1); raises InvalidRequest."""
    token = request.one("client_notification_token")
    if request.may_wait and token and not (len(token) <= MAX_TOKEN and _TOKEN.fullmatch(token)):
        raise InvalidRequest("client_notification_token cannot be sent as a bearer token")


def wanted(request: TokenRequest, client: Client, code: str) -> str:
    """Return where and with what a client is called back, sealed; "" where it registered no place or sent no token."""
    place, token = client.metadata.get(CALLBACK, ""), request.one("client_notification_token")
    if not place or not token:
        return ""
    return sealing.seal(json.dumps({"place": place, "token": token, "code": code}).encode(), settings.SEALING_KEYS)


def again(deferral: Deferral, *, now: datetime) -> Mapping[str, Any]:
    """Return what is written of a client that was told to wait on: it is called once somebody decided."""
    return {"call_at": now, "calls": 0} if deferral.callback else {}


def call_due(now: datetime) -> int:
    """Call the clients of the current tenant whose answers can be fetched, up to a batch; return how many heard it."""
    if directory.current().status != Tenant.Status.ACTIVE:
        return 0
    due = answerable(now).select_related("client").order_by("call_at")
    return sum(_call(deferral, now) for deferral in due[:BATCH] if _claim(deferral, now))


def answerable(now: datetime) -> "QuerySet[Deferral]":
    """Return what a client is to be told of: nobody's decision is missing, and nobody fetched the answer."""
    by_person = Q(status__in=(_Status.ALLOWED, _Status.DENIED)) & ~Q(approval__status=_Decision.WAITING)
    by_approver = Q(approval__status=_Decision.APPROVED, member=None) | Q(approval__status=_Decision.DENIED)
    open_ones = Deferral.objects.filter(call_at__lte=now, used_at=None, expires__gt=now)
    living = open_ones.exclude(status=_Status.CANCELLED).filter(client__status=Client.Status.ACTIVE)
    return living.filter(by_person | by_approver)


def _claim(deferral: Deferral, now: datetime) -> bool:
    mine = Deferral.objects.filter(pk=deferral.pk, calls=deferral.calls, call_at=deferral.call_at)
    claimed = mine.update(calls=F("calls") + 1, call_at=now + CLAIM)
    deferral.calls, deferral.call_at = deferral.calls + 1, now + CLAIM
    return bool(claimed)


def _call(deferral: Deferral, now: datetime) -> bool:
    """Make one call that is claimed, outside of every transaction, and write down what came of it."""
    try:
        kept = json.loads(sealing.unseal(deferral.callback, settings.SEALING_KEYS))
    except sealing.CannotOpen:
        return _write(deferral, None, reason="sealed with a key that is gone")
    # What was registered when the request began to wait and is no more, nobody vouches for.
    if deferral.client.metadata.get(CALLBACK) != kept["place"]:
        return _write(deferral, None, reason="the client is called elsewhere now")
    body = json.dumps({"deferral_code": kept["code"]}, separators=(",", ":")).encode()
    headers = {"Authorization": f"Bearer {kept['token']}", "Content-Type": "application/json"}
    try:
        status = outbound.post(kept["place"], body, headers=headers)
    except Unfetchable as error:
        return _failed(deferral, now, reason=str(error))
    return _write(deferral, None) if status in _RECEIVED else _failed(deferral, now, reason=f"status {status}")


def _failed(deferral: Deferral, now: datetime, *, reason: str) -> bool:
    is_last = deferral.calls > len(PAUSES)
    return _write(deferral, None if is_last else now + PAUSES[deferral.calls - 1], reason=reason)


def _write(deferral: Deferral, next_at: datetime | None, *, reason: str = "") -> bool:
    """Write when it is tried again, where the claim still is ours; say whether the client heard it."""
    mine = Deferral.objects.filter(pk=deferral.pk, calls=deferral.calls, call_at=deferral.call_at)
    mine.update(call_at=next_at)
    if reason:
        _log.info("not called back", deferral=deferral.pk, attempt=deferral.calls, reason=reason)
    return not reason
