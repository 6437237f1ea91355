"""Sending what waits: each try is claimed by an UPDATE that one run wins, and each event is sent at least once.

Addresses are asked side by side, each its own events one after another until the first that it does not take: whoever
is silent delays nobody else. Only the network is left to threads; the database is asked here, outside of every try.
Whoever dies between an answer and our row sends again, under the same webhook-id.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Coalesce

from audit.models import Entry
from kit import fetch
from kit.fetch import Development, Unfetchable
from notices.models import Delivery, Webhook
from notices.webhooks import actions, message, rules
from tenants.directory import current
from tenants.models import Tenant

SECONDS = 10.0
"""After so long a run begins no further try in a tenant; what is left has its turn again."""
AT_ONCE, IN_A_ROW = 4, 100
CLAIM = timedelta(minutes=2)
TRIES_KEPT = 20
GONE = 410
"""Whoever answers so wants no more of it (Standard Webhooks, "Delivery success and failure")."""
_WAITING = Delivery.State.WAITING
_log = structlog.get_logger("notices.webhooks")


@dataclass(slots=True)
class _Lane:
    """One address, and what waits for it."""

    webhook: Webhook
    waiting: "deque[Delivery]"


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    milliseconds: int

    @property
    def is_good(self) -> bool:
        return rules.is_taken(self.status)


_Begun = tuple["Future[_Answer]", tuple[_Lane, Delivery]]


def send_due(now: datetime) -> int:
    """Send what is due in the current tenant; return how many were taken."""
    if current().status != Tenant.Status.ACTIVE:
        return 0
    lanes = [_Lane(each, deque(_due(each, now)[:IN_A_ROW])) for each in _with_due(now)]
    until, taken = time.monotonic() + SECONDS, 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        under_way = dict(_begun(lanes, pool, now))
        while under_way:
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                lane, delivery = under_way.pop(future)
                answer = future.result()
                _settle(lane.webhook, delivery, answer, now)
                taken += answer.is_good
                if answer.is_good and time.monotonic() < until:
                    under_way.update(_begun([lane], pool, now))
    return taken


def _with_due(now: datetime) -> "QuerySet[Webhook]":
    """Return the addresses that something waits for, those first that took what they were sent last."""
    due = Delivery.objects.filter(webhook=OuterRef("pk"), state=_WAITING, next_try_at__lte=now)
    awake = Webhook.objects.filter(on_since__isnull=False, rests_until__lte=now)
    return awake.filter(Exists(due)).order_by("failures", "pk")


def _due(webhook: Webhook, now: datetime) -> "QuerySet[Delivery]":
    due = Delivery.objects.filter(webhook=webhook, state=_WAITING, next_try_at__lte=now)
    return due.order_by("next_try_at", "pk")


def _begun(lanes: Iterable[_Lane], pool: ThreadPoolExecutor, now: datetime) -> Iterator[_Begun]:
    """Begin the next try of each lane that no other run has, where there is one."""
    for lane in lanes:
        delivery = next((each for each in _taken_from(lane.waiting) if _claim(each, now)), None)
        if delivery is not None:
            entry, issuer = Entry.objects.get(pk=delivery.entry_id), current().issuer
            text = message.text_of(entry, issuer=issuer, word=delivery.event)
            headers = message.headers(delivery.entry_id, text, actions.secrets_of(lane.webhook, now), now=now)
            yield pool.submit(_post, lane.webhook.url, text.encode(), headers), (lane, delivery)


def _taken_from(waiting: "deque[Delivery]") -> Iterator[Delivery]:
    while waiting:
        yield waiting.popleft()


def _claim(delivery: Delivery, now: datetime) -> bool:
    mine = Delivery.objects.filter(pk=delivery.pk, state=_WAITING, attempts=delivery.attempts)
    claimed = mine.filter(next_try_at__lte=now).update(attempts=F("attempts") + 1, next_try_at=now + CLAIM)
    delivery.attempts += 1
    return bool(claimed)


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> _Answer:
    development = Development(frozenset(settings.FETCH_LOOPBACK_HOSTS), settings.FETCH_CA_FILE)
    began = time.monotonic()
    try:
        status = fetch.post(url, body, headers=headers, development=development)
    except Unfetchable as error:
        _log.info("no answer", reason=str(error), webhook_id=headers["webhook-id"])
        status = 0
    return _Answer(status, round((time.monotonic() - began) * 1000))


@transaction.atomic
def _settle(webhook: Webhook, delivery: Delivery, answer: _Answer, now: datetime) -> None:
    """Write down what came of a try, where it still is ours, and what it says of the address."""
    tries = [*delivery.tries, {"at": now.isoformat(), "status": answer.status, "milliseconds": answer.milliseconds}]
    fields: dict[str, Any] = {"tries": tries[-TRIES_KEPT:], **_outcome(delivery, answer, now)}
    mine = Delivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts).exclude(state=Delivery.State.DELIVERED)
    # What was taken was taken, although somebody switched the webhook off meanwhile; what was not is given up then.
    if not (mine if answer.is_good else mine.filter(state=_WAITING)).update(**fields):
        return
    if answer.is_good:
        healthy = {"failures": 0, "failing_since": None, "rests_until": now}
        Webhook.objects.filter(pk=webhook.pk).exclude(failures=0).update(**healthy)
    else:
        _suffer(webhook, answer, now)


def _outcome(delivery: Delivery, answer: _Answer, now: datetime) -> dict[str, Any]:
    if answer.is_good:
        return {"state": Delivery.State.DELIVERED}
    if delivery.attempts >= delivery.last_attempt:
        return {"state": Delivery.State.GIVEN_UP}
    tries = delivery.attempts - (delivery.last_attempt - rules.MOST_TRIES)
    return {"next_try_at": now + rules.pause_after(tries)}


def _suffer(webhook: Webhook, answer: _Answer, now: datetime) -> None:
    """Leave an address alone for a while that did not take something; for good, where it took nothing for a day."""
    found = Webhook.objects.filter(pk=webhook.pk)
    found.update(failures=F("failures") + 1, failing_since=Coalesce("failing_since", now))
    row = found.first()
    if row is None or row.failing_since is None:
        return
    found.update(rests_until=now + rules.rest_after(row.failures))
    if answer.status == GONE:
        actions.switch_off(row, reason="it answered that it is gone")
    elif row.failures >= rules.MOST_TRIES and row.failing_since <= now - rules.DAY:
        actions.switch_off(row, reason=f"it took nothing for a day, in {row.failures} tries")
