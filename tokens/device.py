"""The verbs of device authorization (RFC 8628): start, claim, decide. Only the mint consumes a device code.

The user code has eight letters without vowels and look-alikes (§6.1), so that there are 20^8 of them. It opens nothing
by itself: somebody who is signed in types it in, and from then on the request is theirs to decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from audit.events import Event
from audit.ledger import record
from audit.principals import Principal
from delegations import actions as delegation_actions
from delegations.actions import Agreement
from delegations.errors import AlreadyDecided
from kit import opaque, sealing
from tenants import clock
from tenants.models import Membership
from tokens import forgetting
from tokens.asking import Asked
from tokens.models import DeviceGrant

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
LIFE = timedelta(minutes=10)
INTERVAL = 5
_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request was started, as its sender says and as we saw."""

    address: str
    user_agent: str

    @classmethod
    def of(cls, address: str, user_agent: str) -> "Origin":
        """Return it fit for a page: characters that do not show are left out."""
        shown = "".join(character for character in user_agent if character.isprintable())
        return cls(address[:64], " ".join(shown.split())[:200])


@dataclass(frozen=True, slots=True)
class Started:
    """Both codes, for the one time that they are known in full."""

    device_code: str = field(repr=False)
    user_code: str = field(repr=False)


def written(letters: str) -> str:
    """Return a user code as it is shown."""
    return f"{letters[:4]}-{letters[4:]}" if letters else ""


def letters(typed: str) -> str:
    """Return the letters of what somebody typed, in whatever case and grouping (§6.1), or "" where it is no code."""
    found = "".join(letter for letter in typed[:64].upper() if letter in ALPHABET)
    return found if len(found) == _LENGTH else ""


def start(asked: Asked, origin: Origin, *, now: datetime) -> Started:
    """Keep what a device asks for; return its codes."""
    for _ in range(3):
        started = Started(opaque.make(), written(opaque.spell(ALPHABET, _LENGTH)))
        try:
            with transaction.atomic():
                _keep(asked, started, origin, now=now)
        except IntegrityError:
            continue  # Somebody else waits under this very code.
        return started
    raise RuntimeError("no user code is free")


def find(typed: str, *, member: Membership, now: datetime) -> DeviceGrant | None:
    """Return the request behind a user code, while it waits for this person or for anybody."""
    code = letters(typed)
    if not code:
        return None
    return _waiting(member, now).select_related("client__agent").filter(user_code=_digest(code)).first()


@transaction.atomic
def claim(grant: DeviceGrant, *, member: Membership, shown: Mapping[str, Any], now: datetime) -> str:
    """Take a request for the person who is shown it; return the handle of the page. Raises AlreadyDecided."""
    handle = opaque.make()
    mine = _waiting(member, now).filter(pk=grant.pk)
    if not mine.update(member=member, handle=opaque.digest(handle), shown=shown):
        raise AlreadyDecided(grant.pk)
    return handle


def held(handle: str, *, member: Membership) -> DeviceGrant | None:
    """Return the request that this person was shown last under this handle, decided or not."""
    mine = DeviceGrant.objects.select_related("client__agent", "member__user").filter(member=member)
    return mine.filter(handle=opaque.digest(handle)).first()


@transaction.atomic
def allow(grant: DeviceGrant, asked: Asked, agreement: Agreement, *, by: Principal, signed_in_at: datetime) -> None:
    """Turn a decision into consent and delegations, for the device to fetch. Raises AlreadyDecided."""
    _decide(grant, DeviceGrant.Status.ALLOWED)
    consent, delegations = delegation_actions.approve(agreement, by=by)
    scopes = frozenset().union(*(allowed.scopes for allowed in agreement.allowed)) | asked.identity
    DeviceGrant.objects.filter(pk=grant.pk).update(
        consent=consent,
        delegations=[delegation.pk for delegation in delegations],
        scope=" ".join(sorted(scopes)),
        auth_time=signed_in_at,
    )


@transaction.atomic
def refuse(grant: DeviceGrant, *, by: Principal) -> None:
    """Write down that the person said no. Raises AlreadyDecided."""
    _decide(grant, DeviceGrant.Status.DENIED)
    record(Event.DELEGATION_REFUSED, by=by, about=grant.client, on_behalf_of=grant.member_id or "")


@transaction.atomic
def report(grant: DeviceGrant, *, by: Principal) -> None:
    """End a code that the person did not ask for, and write down where it came from. Raises AlreadyDecided."""
    _decide(grant, DeviceGrant.Status.REPORTED)
    record(
        Event.DEVICE_CODE_REPORTED,
        by=by,
        about=grant.client,
        on_behalf_of=grant.member_id or "",
        reason="the person did not start this",
        detail={"address": grant.address, "user_agent": grant.user_agent},
    )


def forget(now: datetime) -> int:
    """Remove requests of devices that nobody can decide or redeem any more."""
    return clock.forget(forgetting.devices(now))


def _keep(asked: Asked, started: Started, origin: Origin, *, now: datetime) -> None:
    DeviceGrant.objects.create(
        client=asked.client,
        device_code=opaque.digest(started.device_code),
        user_code=_digest(letters(started.user_code)),
        parameters={name: list(values) for name, values in asked.form.items()},
        address=origin.address,
        user_agent=origin.user_agent,
        poll_seconds=INTERVAL,
        created=now,
        expires=now + LIFE,
    )


def _waiting(member: Membership, now: datetime) -> "QuerySet[DeviceGrant]":
    anybodys = Q(member=None) | Q(member=member)
    return DeviceGrant.objects.filter(anybodys, status=DeviceGrant.Status.PENDING, expires__gt=now)


def _decide(grant: DeviceGrant, status: DeviceGrant.Status) -> None:
    waiting = DeviceGrant.objects.filter(pk=grant.pk, member=grant.member_id, handle=grant.handle)
    open_still = waiting.filter(status=DeviceGrant.Status.PENDING, expires__gt=timezone.now())
    if not open_still.update(status=status):
        raise AlreadyDecided(grant.pk)


def _digest(code: str) -> str:
    return opaque.keyed_digest(code, sealing.derive(settings.SEALING_KEYS[0], "user codes"))
