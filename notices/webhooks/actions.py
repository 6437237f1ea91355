"""The verbs of webhooks: added with a secret that is shown once, changed, tried, and removed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from audit.events import Event
from audit.ledger import JsonValue, record
from audit.principals import SYSTEM, Principal
from kit import identifiers, opaque, sealing
from notices.errors import StillWaits, SwitchedOff, TooMany
from notices.models import Delivery, Webhook
from notices.webhooks import outbox, rules
from tenants import clock
from tenants.errors import Stale, Unusable

MOST = 20
CHANGEABLE = frozenset({"url", "description", "events", "is_on"})
USUAL_HOURS, MOST_HOURS = 24, 168
"""How long the secret before the present one signs as well."""
KEPT = timedelta(days=30)
"""How long it is known what became of a delivery."""
_WAITING = Delivery.State.WAITING


@transaction.atomic
def add_webhook(url: str, events: Sequence[str], *, by: Principal, description: str = "") -> tuple[Webhook, str]:
    """Tell an address of events from now on; return the webhook and its secret. Raises Unusable or TooMany."""
    rules.check(url, events, on_loopback=settings.FETCH_LOOPBACK_HOSTS)
    if Webhook.objects.count() >= MOST:
        raise TooMany
    secret = opaque.make_key("whsec_")
    made = Webhook.objects.create(
        url=url, description=description, events=sorted(set(events)), secret=_sealed(secret), on_since=timezone.now()
    )
    record(Event.WEBHOOK_ADDED, by=by, about=made, detail=_words(made))
    return made, secret


@transaction.atomic
def change_webhook(webhook: Webhook, *, by: Principal, version: int | None = None, **fields: Any) -> Webhook:
    """Change what is told where, or switch it on or off; raises Unusable or Stale. Off, it gives up what waits."""
    if unknown := fields.keys() - CHANGEABLE:
        raise Unusable(f"Unknown: {', '.join(sorted(unknown))[:200]}.")
    changes = dict(fields)
    url, events = changes.get("url", webhook.url), changes.get("events", webhook.events)
    rules.check(url, events, on_loopback=settings.FETCH_LOOPBACK_HOSTS)
    is_on = changes.pop("is_on", webhook.is_on)
    if is_on != webhook.is_on:
        changes["on_since"] = timezone.now() if is_on else None
    if is_on and (not webhook.is_on or url != webhook.url):
        changes |= {"failures": 0, "failing_since": None, "rests_until": timezone.now()}
    if "events" in changes:
        changes["events"] = sorted(set(events))
    # A form sends all of its fields: what it says of them that holds already is no change.
    moved = sorted(name for name in fields if {**changes, "is_on": is_on}[name] != getattr(webhook, name))
    changed = _move(webhook, version, **changes)
    if not is_on:
        _give_up(webhook)
    record(Event.WEBHOOK_CHANGED, by=by, about=changed, detail={"changed": moved, **_words(changed)})
    return changed


@transaction.atomic
def change_secret(
    webhook: Webhook, *, by: Principal, version: int | None = None, keep_hours: int = USUAL_HOURS
) -> tuple[Webhook, str]:
    """Give a webhook a new secret and return it; the one before signs as well for so long. Raises Unusable or Stale."""
    if not 0 <= keep_hours <= MOST_HOURS:
        raise Unusable(f"The old secret is kept for 0 to {MOST_HOURS} hours.")
    secret = opaque.make_key("whsec_")
    old = {"old_secret": F("secret"), "old_secret_until": timezone.now() + timedelta(hours=keep_hours)}
    none = {"old_secret": "", "old_secret_until": None}
    changed = _move(webhook, version, secret=_sealed(secret), **(old if keep_hours else none))
    record(Event.WEBHOOK_SECRET_CHANGED, by=by, about=changed, detail={"old_one_signs_for_hours": keep_hours})
    return changed, secret


@transaction.atomic
def remove_webhook(webhook: Webhook, *, by: Principal) -> None:
    """Tell it nothing more, and forget what it was told."""
    record(Event.WEBHOOK_REMOVED, by=by, about=webhook, detail=_words(webhook))
    webhook.delete()


@transaction.atomic
def ping(webhook: Webhook, *, by: Principal, now: datetime) -> Delivery:
    """Have an event sent that says nothing but that somebody tries it; raises SwitchedOff."""
    _check_on(webhook)
    entry = record(Event.WEBHOOK_PINGED, by=by, about=webhook)
    made = outbox.delivery(webhook, entry, now)
    made.save()
    return made


@transaction.atomic
def replay(delivery: Delivery, *, by: Principal, now: datetime) -> Delivery:
    """Send an event once more, under the same id, as often as if it were new; raises SwitchedOff or StillWaits."""
    _check_on(delivery.webhook)
    over = Delivery.objects.filter(pk=delivery.pk).exclude(state=_WAITING)
    if not over.update(state=_WAITING, next_try_at=now, last_attempt=F("attempts") + rules.MOST_TRIES):
        raise StillWaits
    detail: dict[str, JsonValue] = {"delivery": delivery.pk, "event": delivery.event, "entry": delivery.entry_id}
    record(Event.WEBHOOK_REPLAYED, by=by, about=delivery.webhook, detail=detail)
    return Delivery.objects.get(pk=delivery.pk)


@transaction.atomic
def switch_off(webhook: Webhook, *, reason: str) -> None:
    """Tell a webhook nothing more that took nothing for long; admins are told."""
    on = Webhook.objects.filter(pk=webhook.pk, on_since=webhook.on_since, on_since__isnull=False)
    if on.update(on_since=None, version=F("version") + 1):
        _give_up(webhook)
        record(Event.WEBHOOK_SWITCHED_OFF, by=SYSTEM, about=webhook, reason=reason)


def secrets_of(webhook: Webhook, now: datetime) -> list[str]:
    """Return the secrets that sign, the present one first."""
    is_kept = webhook.old_secret_until is not None and webhook.old_secret_until > now
    sealed = [webhook.secret, *([webhook.old_secret] if is_kept else [])]
    return [sealing.unseal(each, settings.SEALING_KEYS).decode() for each in sealed]


def forget_due(now: datetime) -> int:
    """Remove what became of old deliveries, and secrets that sign no more; return how many of both."""
    over = Webhook.objects.filter(old_secret_until__lte=now).exclude(old_secret="")
    return over.update(old_secret="", old_secret_until=None) + clock.forget(_old(now))


def _old(now: datetime) -> Any:
    return Delivery.objects.filter(pk__lt=identifiers.at("dlv", now - KEPT)).exclude(state=_WAITING).order_by("pk")


def _check_on(webhook: Webhook) -> None:
    if not Webhook.objects.filter(pk=webhook.pk, on_since__isnull=False).exists():
        raise SwitchedOff


def _move(webhook: Webhook, version: int | None, **changes: Any) -> Webhook:
    as_read = {} if version is None else {"version": version}
    if not Webhook.objects.filter(pk=webhook.pk, **as_read).update(**changes, version=F("version") + 1):
        raise Stale(webhook)
    return Webhook.objects.get(pk=webhook.pk)


def _give_up(webhook: Webhook) -> None:
    Delivery.objects.filter(webhook=webhook, state=_WAITING).update(state=Delivery.State.GIVEN_UP)


def _sealed(secret: str) -> str:
    return sealing.seal(secret.encode(), settings.SEALING_KEYS)


def _words(webhook: Webhook) -> dict[str, JsonValue]:
    """Return what the ledger keeps of a webhook; of its address the host alone, as a path may be a secret."""
    return {"host": webhook.host, "events": list(webhook.events), "is_on": webhook.is_on}
