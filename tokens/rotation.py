"""The life of a tenant's keys: published ahead, active, retired, destroyed; one transaction for each step.

Two clocks do no harm: each step is a conditional UPDATE or a unique INSERT.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from audit.events import Event
from audit.ledger import record
from audit.principals import Principal
from tokens import keys
from tokens.models import SigningKey

Status = SigningKey.Status
PUBLISHED_AHEAD = timedelta(hours=24)
"""Longer than twice the JWKS's max-age: every verifier knows a key before it signs."""
KEPT_AFTER = timedelta(hours=2)
"""Longer than any token lives."""


def open_keys(*, now: datetime, by: Principal) -> None:
    """Give the current tenant its first active keys."""
    for algorithm in keys.ALGORITHMS:
        _create(algorithm, Status.ACTIVE, activate_at=now, now=now, by=by)
    transaction.on_commit(keys.forget_all)


def rotate_due(now: datetime, *, by: Principal) -> int:
    """Take every step that is due for the current tenant; return how many were taken."""
    steps = sum(_publish_next(algorithm, now, by) + _activate(algorithm, now, by) for algorithm in keys.ALGORITHMS)
    steps += _destroy(now, by)
    if steps:
        keys.forget_all()
    return steps


def _publish_next(algorithm: str, now: datetime, by: Principal) -> int:
    if SigningKey.objects.filter(algorithm=algorithm, status=Status.NEXT).exists():
        return 0
    active = SigningKey.objects.filter(algorithm=algorithm, status=Status.ACTIVE).first()
    due = active.activate_at + timedelta(days=settings.KEY_DAYS) if active else now
    return _create(algorithm, Status.NEXT, activate_at=max(due, now + PUBLISHED_AHEAD), now=now, by=by)


@transaction.atomic
def _activate(algorithm: str, now: datetime, by: Principal) -> int:
    due = SigningKey.objects.filter(algorithm=algorithm, status=Status.NEXT, activate_at__lte=now).first()
    if due is None:
        return 0
    # Without the one that is due: another clock may have activated it since it was read.
    for old in SigningKey.objects.filter(algorithm=algorithm, status=Status.ACTIVE).exclude(pk=due.pk):
        if SigningKey.objects.filter(pk=old.pk, status=Status.ACTIVE).update(
            status=Status.RETIRED, retire_at=now, destroy_at=now + KEPT_AFTER
        ):
            record(Event.KEY_RETIRED, by=by, about=old)
    if not SigningKey.objects.filter(pk=due.pk, status=Status.NEXT).update(status=Status.ACTIVE, activate_at=now):
        transaction.set_rollback(True)  # No key retires but for one that takes its place.
        return 0
    record(Event.KEY_ACTIVATED, by=by, about=due)
    return 1


@transaction.atomic
def _destroy(now: datetime, by: Principal) -> int:
    steps = 0
    for key in SigningKey.objects.filter(status=Status.RETIRED, destroy_at__lte=now):
        if SigningKey.objects.filter(pk=key.pk, status=Status.RETIRED).update(
            status=Status.DESTROYED, sealed_private=""
        ):
            record(Event.KEY_DESTROYED, by=by, about=key)
            steps += 1
    return steps


def _create(algorithm: str, status: str, *, activate_at: datetime, now: datetime, by: Principal) -> int:
    kid, public, sealed = keys.generate(algorithm)
    try:
        with transaction.atomic():
            key = SigningKey.objects.create(
                kid=kid, algorithm=algorithm, sealed_private=sealed, public=public, status=status,
                created_at=now, activate_at=activate_at,
            )  # fmt: skip
            record(Event.KEY_CREATED, by=by, about=key, detail={"status": status})
    except IntegrityError:
        return 0  # Another clock was first.
    return 1
