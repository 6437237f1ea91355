"""A key leaked: whoever has it can write tokens in the tenant's name, so nothing that it signed is believed any more.

It leaves the key set, a new key signs in its place, and the tokens that it signed end, with all that was exchanged
from them. A refresh token is not signed: an agent that has one goes on with a token under the new key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, QuerySet

from audit.events import Event
from audit.ledger import record
from audit.principals import Principal
from tenants import actions as tenant_actions
from tokens import keys, receipts, rotation, signed
from tokens.errors import KeyIsOver
from tokens.models import AccessToken, SigningKey

Status = SigningKey.Status
BELIEVED_FOR = timedelta(seconds=keys.JWKS_SECONDS + settings.CACHE_SECONDS)
"""How long a server that checks by itself may still hold the key: as long as it may keep the key set."""


@dataclass(frozen=True, slots=True)
class KeyReceipt:
    """What the end of a key does: which tokens end at which resources, who signs instead, who believes it how long."""

    key: SigningKey
    at: datetime
    replaced_by: str
    tokens: Mapping[str, int]
    asking: frozenset[str]
    """Resources that ask each time, and refuse at once."""

    @property
    def count(self) -> int:
        """How many access tokens end."""
        return sum(self.tokens.values())

    @property
    def until(self) -> datetime:
        """When the last server has let go of the key, whatever somebody writes with it."""
        return self.at + BELIEVED_FOR

    def as_json(self) -> Mapping[str, Any]:
        return {
            "key": self.key.pk,
            "kid": self.key.kid,
            "algorithm": self.key.algorithm,
            "state": self.key.status,
            "at": self.at.isoformat(),
            "replaced_by": self.replaced_by,
            "access_tokens_ended": self.count,
            "tokens": [
                {
                    "resource": resource,
                    "checks": receipts.INTROSPECTION if resource in self.asking else receipts.ITSELF,
                    "tokens": number,
                }
                for resource, number in sorted(self.tokens.items())
            ],
            "accepted_until": self.until.isoformat(),
            "time_to_zero": int(BELIEVED_FOR.total_seconds()),
        }


def foresee(key: SigningKey, *, now: datetime) -> KeyReceipt:
    """Return what `compromise` would do now, and change nothing; raises KeyIsOver."""
    if key.status not in keys.PUBLISHED:
        raise KeyIsOver(key.kid)
    successor = rotation.next_key(key.algorithm) if key.status == Status.ACTIVE else rotation.active_key(key.algorithm)
    return _receipt(key, now, replaced_by=successor.kid if successor else "")


def compromise(key: SigningKey, *, now: datetime, by: Principal, reason: str) -> KeyReceipt:
    """End a key that somebody else may have, and all that it signed; raises KeyIsOver."""
    receipt = end(key, now, by=by, reason=reason)
    rotation.publish_next(key.algorithm, now, by=by)
    keys.forget_all()
    return receipt


@transaction.atomic
def end(key: SigningKey, now: datetime, *, by: Principal, reason: str) -> KeyReceipt:
    """The transaction of it: from its commit on another key signs, and none of its tokens is active."""
    # First, because it waits for the tokens that are being recorded under this key, and stops later ones.
    tenant_actions.move_version()
    key = SigningKey.objects.get(pk=key.pk)
    if not SigningKey.objects.filter(pk=key.pk, status__in=keys.PUBLISHED).update(
        status=Status.COMPROMISED, sealed_private="", retire_at=now, destroy_at=now
    ):
        raise KeyIsOver(key.kid)
    receipt = _receipt(key, now, replaced_by=_successor(key.algorithm, now, by))
    _end_tokens(key, now)
    told: Mapping[str, Any] = {"receipt": receipt.as_json()}
    record(Event.KEY_COMPROMISED, by=by, about=key, reason=reason, detail=told)
    transaction.on_commit(keys.forget_all)
    return receipt


def _successor(algorithm: str, now: datetime, by: Principal) -> str:
    """Return the kid of whoever signs from now on: the key that does, the next one, or a new one."""
    if rotation.active_key(algorithm) is None:
        following = rotation.next_key(algorithm)
        if following is not None:
            rotation.activate(following, now, by=by)
        else:
            rotation.create(algorithm, Status.ACTIVE, activate_at=now, now=now, by=by)
    active = rotation.active_key(algorithm)
    assert active is not None  # This transaction holds the tenant, and with it who signs.
    return active.kid


def _receipt(key: SigningKey, now: datetime, *, replaced_by: str) -> KeyReceipt:
    grouped = _signed(key, now).values("audience").annotate(number=Count("pk")).order_by("audience")
    tokens = {each["audience"]: each["number"] for each in grouped}
    asking = frozenset(each for each in tokens if receipts.checks(each) == receipts.INTROSPECTION)
    return KeyReceipt(key, now, replaced_by, tokens, asking)


def _signed(key: SigningKey, now: datetime) -> "QuerySet[AccessToken]":
    """Return the tokens of a key that are good now."""
    # What was recorded before the column was there may be of any key; it is over within the hour.
    mine = Q(kid=key.kid) | Q(kid="", digest="")
    return signed.good(now).filter(mine)


def _end_tokens(key: SigningKey, now: datetime) -> None:
    """Revoke what a key signed, and whatever was exchanged from it, level by level."""
    _signed(key, now).update(revoked_at=now)
    while signed.good(now).filter(parent__revoked_at=now).update(revoked_at=now):
        continue
