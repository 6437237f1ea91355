"""The life of a tenant's keys: published ahead, active, retired, destroyed; one transaction for each step.

How old a key may become is the tenant's policy, by algorithm. Two clocks do no harm: each step is a conditional UPDATE
or a unique INSERT, and the steps that change who signs hold the tenant's row, so that they come one after another and
no token is recorded under a key that does not sign any more (`tokens.keys`).
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from audit.events import Event
from audit.ledger import record
from audit.principals import Principal
from tenants import actions as tenant_actions
from tenants import directory
from tokens import keys
from tokens.errors import NotKnownYet
from tokens.models import SigningKey

Status = SigningKey.Status
PUBLISHED_AHEAD = timedelta(hours=24)
"""How long before it signs the clock publishes a key."""
KNOWN_AFTER = timedelta(seconds=2 * keys.JWKS_SECONDS)
"""When everybody has a key that was published: a shared cache may hand on a set that is as old as we let it become, and
whoever gets it there may keep it as long again."""
KEPT_AFTER = timedelta(hours=2)
"""Longer than any token lives."""


def open_keys(*, now: datetime, by: Principal) -> None:
    """Give the current tenant its first active keys."""
    for algorithm in keys.ALGORITHMS:
        _open(algorithm, now, by)
    transaction.on_commit(keys.forget_all)


def rotate_due(now: datetime, *, by: Principal) -> int:
    """Take every step that is due for the current tenant; return how many were taken. One statement where none is."""
    published = list(SigningKey.objects.filter(status__in=keys.PUBLISHED))
    steps = sum(_rotate_due(algorithm, published, now, by) for algorithm in keys.ALGORITHMS)
    steps += sum(destroy(key, now, by=by) for key in published if key.status == Status.RETIRED)
    if steps:
        keys.forget_all()
    return steps


def rotate_now(
    algorithm: str, *, now: datetime, by: Principal, known_after: timedelta = KNOWN_AFTER, reason: str = ""
) -> SigningKey:
    """Let the next key sign from now on; raises NotKnownYet while somebody may not have it (`rotating.known_after`)."""
    key = next_key(algorithm)
    ready_at = key.created_at + known_after if key else None
    if key is None or ready_at is None or now < ready_at:
        raise NotKnownYet(ready_at)
    if not activate(key, now, by=by, reason=reason):
        raise NotKnownYet(None)  # Somebody was faster, and the one after it is not published yet.
    publish_next(algorithm, now, by=by)
    keys.forget_all()
    return SigningKey.objects.get(pk=key.pk)


def next_key(algorithm: str) -> SigningKey | None:
    """Return the key that signs next."""
    return SigningKey.objects.filter(algorithm=algorithm, status=Status.NEXT).first()


def active_key(algorithm: str) -> SigningKey | None:
    """Return the key that signs."""
    return SigningKey.objects.filter(algorithm=algorithm, status=Status.ACTIVE).first()


def life(algorithm: str) -> timedelta:
    """Return after how long the current tenant replaces a key."""
    return timedelta(days=directory.current().key_days.get(algorithm, settings.KEY_DAYS))


def due(algorithm: str, active: SigningKey | None, now: datetime, *, published: datetime) -> datetime:
    """Return when the next key of an algorithm signs: when the one that signs is old enough, and never unannounced."""
    return max(active.activate_at + life(algorithm) if active else now, published + PUBLISHED_AHEAD)


def publish_next(algorithm: str, now: datetime, *, by: Principal) -> int:
    """Publish the key that signs next, unless there is one; return how many were."""
    if next_key(algorithm) is not None:
        return 0
    at = due(algorithm, active_key(algorithm), now, published=now)
    return create(algorithm, Status.NEXT, activate_at=at, now=now, by=by)


@transaction.atomic
def activate(key: SigningKey, now: datetime, *, by: Principal, reason: str = "") -> bool:
    """Let a published key sign, and retire the one that signed; False where somebody else took this step."""
    tenant_actions.move_version()
    # Without this one: another clock may have activated it since it was read.
    for old in SigningKey.objects.filter(algorithm=key.algorithm, status=Status.ACTIVE).exclude(pk=key.pk):
        SigningKey.objects.filter(pk=old.pk).update(status=Status.RETIRED, retire_at=now, destroy_at=now + KEPT_AFTER)
        record(Event.KEY_RETIRED, by=by, about=old)
    if not SigningKey.objects.filter(pk=key.pk, status=Status.NEXT).update(status=Status.ACTIVE, activate_at=now):
        transaction.set_rollback(True)  # No key retires but for one that takes its place.
        return False
    record(Event.KEY_ACTIVATED, by=by, about=key, reason=reason)
    return True


def create(algorithm: str, status: str, *, activate_at: datetime, now: datetime, by: Principal) -> int:
    """Make a key; return 0 where another clock was first."""
    kid, public, sealed = keys.generate(algorithm)
    try:
        with transaction.atomic():
            key = SigningKey.objects.create(
                kid=kid, algorithm=algorithm, sealed_private=sealed, public=public, status=status,
                created_at=now, activate_at=activate_at,
            )  # fmt: skip
            record(Event.KEY_CREATED, by=by, about=key, detail={"status": status})
    except IntegrityError:
        return 0
    return 1


@transaction.atomic
def destroy(key: SigningKey, now: datetime, *, by: Principal) -> int:
    """Wipe a retired key whose last token is over; return 0 where it is not, or was wiped before."""
    due = SigningKey.objects.filter(pk=key.pk, status=Status.RETIRED, destroy_at__lte=now)
    if key.destroy_at is None or key.destroy_at > now or not due.update(status=Status.DESTROYED, sealed_private=""):
        return 0
    record(Event.KEY_DESTROYED, by=by, about=key)
    return 1


def _rotate_due(algorithm: str, published: list[SigningKey], now: datetime, by: Principal) -> int:
    standing = {key.status: key for key in published if key.algorithm == algorithm}
    active, following = standing.get(Status.ACTIVE), standing.get(Status.NEXT)
    if active is None:
        # There is nothing to wait for: nobody can sign.
        return int(activate(following, now, by=by)) if following else _open(algorithm, now, by)
    if following is None:
        at = due(algorithm, active, now, published=now)
        return create(algorithm, Status.NEXT, activate_at=at, now=now, by=by)
    at = due(algorithm, active, now, published=following.created_at)
    if at != following.activate_at:
        # The policy is another one since it was published.
        SigningKey.objects.filter(pk=following.pk, status=Status.NEXT).update(activate_at=at)
    return int(activate(following, now, by=by)) if at <= now else 0


def _open(algorithm: str, now: datetime, by: Principal) -> int:
    return create(algorithm, Status.ACTIVE, activate_at=now, now=now, by=by)
