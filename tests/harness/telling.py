"""A program that is told by webhook: on a server that we run, with what it was told and whether it is genuine."""

import json
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from standardwebhooks import Webhook as Verifier

from audit import ledger
from audit.events import Event
from audit.models import Entry
from audit.principals import SYSTEM, Principal
from kit import context
from notices import actions as notices
from notices.models import Delivery, Webhook
from notices.webhooks import actions, sending
from tests.harness.hostile import Answer, Hostile, Told
from tests.harness.world import World


class Program:
    """The program; it answers 200 unless it is told otherwise."""

    def __init__(self, world: World, server: Hostile, *events: str) -> None:
        self.world, self.server = world, server
        self.path = f"/told/{secrets.token_hex(6)}"
        with context.use(world.tenant):
            made, self.secret = actions.add_webhook(server.url(self.path), events or ["agent.*"], by=SYSTEM)
        self.pk = made.pk

    def answers(self, answer: Answer) -> None:
        self.server.answers[self.path] = answer

    @property
    def told(self) -> list[Told]:
        return [each for each in self.server.told if each.path == self.path]

    @property
    def ids(self) -> list[str]:
        return [each.headers["webhook-id"] for each in self.told]

    @property
    def row(self) -> Webhook:
        with context.use(self.world.tenant):
            return Webhook.objects.get(pk=self.pk)

    def deliveries(self) -> list[Delivery]:
        with context.use(self.world.tenant):
            return list(Delivery.objects.filter(webhook=self.pk).order_by("pk"))


def genuine(told: Told, secret: str) -> dict[str, Any]:
    """Return what was told, as the standard's own library lets it through; it raises where it does not."""
    said = Verifier(secret).verify(told.body, told.headers)
    assert said == json.loads(told.body)
    return dict(said)


def happens(world: World, *, by: Principal = SYSTEM, event: Event = Event.AGENT_CHANGED, **words: Any) -> Entry:
    """Let something happen that changes nothing else."""
    with context.use(world.tenant):
        return ledger.record(event, by=by, **words)


def read(world: World) -> None:
    """Let the clock seal and read what happened."""
    ledger.seal(world.tenant.pk, using=settings.OPERATOR_ALIAS)
    with context.use(world.tenant):
        notices.read_ledger(timezone.now())


def send(world: World, *, now: datetime | None = None) -> int:
    """Let the clock send what is due."""
    with context.use(world.tenant):
        return sending.send_due(now or timezone.now())


def tell(world: World) -> int:
    read(world)
    return send(world)


def passes(world: World, time: timedelta) -> None:
    """Let so much time pass for what waits, and for whoever is left alone."""
    with context.use(world.tenant):
        for delivery in Delivery.objects.filter(state="waiting"):
            Delivery.objects.filter(pk=delivery.pk).update(next_try_at=delivery.next_try_at - time)
        for webhook in Webhook.objects.all():
            since = webhook.failing_since - time if webhook.failing_since else None
            moved = {"rests_until": webhook.rests_until - time, "failing_since": since}
            Webhook.objects.filter(pk=webhook.pk).update(**moved)
