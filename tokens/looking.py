"""Where a person looks at a request that waits for them, and their decision on it (DTR, `interaction_uri`).

An address is good for one opening, by the person whom the request is about. It is made anew from the row each time, by
a key, so that none of them is stored; whoever opens one moves the row on to the next.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from audit.events import Event
from audit.ledger import record
from audit.principals import Principal
from delegations import actions as delegation_actions
from delegations.actions import Agreement
from delegations.errors import AlreadyDecided
from kit import opaque, sealing
from tenants.models import Membership, Tenant
from tokens.asking import Asked
from tokens.models import Deferral

OPEN_FOR = timedelta(minutes=10)
"""How long a page that was opened is waited for, before there is another address."""


def address(deferral: Deferral, tenant: Tenant) -> str:
    """Return where the person looks next."""
    return f"{tenant.issuer}/deferred/{deferral.pk}.{_proof(deferral.pk, deferral.turn)}"


def is_open(deferral: Deferral, *, now: datetime) -> bool:
    """Say whether somebody opened an address a moment ago, and may be reading."""
    return deferral.turned_at is not None and now - deferral.turned_at < OPEN_FOR


def find(named: str, *, member: Membership, handles: list[str], now: datetime) -> Deferral | None:
    """Return the request behind an address, for the person it is about: not opened yet, or by this very browser."""
    deferral_id, _, proof = named.partition(".")
    mine = _waiting(member, now).select_related("client__agent").filter(pk=deferral_id)
    deferral = mine.first()
    if deferral is None:
        return None
    if opaque.same(proof, _proof(deferral.pk, deferral.turn)):
        return deferral
    is_mine = bool(deferral.turn) and deferral.handle in handles
    return deferral if is_mine and opaque.same(proof, _proof(deferral.pk, deferral.turn - 1)) else None


@transaction.atomic
def turn(deferral: Deferral, named: str, *, member: Membership, shown: Mapping[str, Any], now: datetime) -> str:
    """Use an address up, and return the handle of the page that is shown for it. Raises AlreadyDecided."""
    handle = opaque.make()
    mine = _waiting(member, now).filter(pk=deferral.pk, turn=deferral.turn, handle=deferral.handle)
    is_first = opaque.same(named.partition(".")[2], _proof(deferral.pk, deferral.turn))
    moved = {"turn": F("turn") + 1, "turned_at": now} if is_first else {}
    if not mine.update(handle=opaque.digest(handle), shown=shown, **moved):
        raise AlreadyDecided(deferral.pk)
    return handle


def held(handle: str, *, member: Membership) -> Deferral | None:
    """Return the request that this person was shown last under this handle, decided or not."""
    mine = Deferral.objects.select_related("client__agent", "member__user").filter(member=member)
    return mine.filter(handle=opaque.digest(handle)).first() if handle else None


@transaction.atomic
def allow(deferral: Deferral, asked: Asked, agreement: Agreement, *, by: Principal, signed_in_at: datetime) -> None:
    """Turn a decision into consent and delegations, for the client to ask for. Raises AlreadyDecided."""
    _decide(deferral, Deferral.Status.ALLOWED)
    consent, delegations = delegation_actions.approve(agreement, by=by)
    scopes = frozenset().union(*(allowed.scopes for allowed in agreement.allowed)) | asked.identity
    Deferral.objects.filter(pk=deferral.pk).update(
        consent=consent,
        delegations=[delegation.pk for delegation in delegations],
        scope=" ".join(sorted(scopes)),
        auth_time=signed_in_at,
    )


@transaction.atomic
def refuse(deferral: Deferral, *, by: Principal) -> None:
    """Write down that the person said no. Raises AlreadyDecided."""
    _decide(deferral, Deferral.Status.DENIED)
    record(Event.DELEGATION_REFUSED, by=by, about=deferral.client, on_behalf_of=deferral.member_id or "")


def _waiting(member: Membership, now: datetime) -> "QuerySet[Deferral]":
    waiting = Deferral.objects.filter(member=member, status=Deferral.Status.WAITING, used_at=None)
    return waiting.filter(expires__gt=now)


def _decide(deferral: Deferral, status: Deferral.Status) -> None:
    mine = Deferral.objects.filter(pk=deferral.pk, member=deferral.member_id, handle=deferral.handle)
    still = mine.filter(status=Deferral.Status.WAITING, used_at=None, expires__gt=timezone.now())
    if not still.update(status=status):
        raise AlreadyDecided(deferral.pk)


def _proof(deferral_id: str, number: int) -> str:
    key = sealing.derive(settings.SEALING_KEYS[0], "addresses of deferrals")
    return opaque.keyed_digest(f"{deferral_id} {number}", key)
