"""From the ledger to what waits: whoever reads the ledger makes the deliveries in the transaction that moves on.

What did not commit was never sealed, so it is never told; what was sealed is read exactly once, so none is left out.
"""

from collections.abc import Collection
from datetime import datetime

from audit.models import Entry
from notices.models import Delivery, Webhook
from notices.webhooks import rules


def queue(entry_ids: Collection[str], now: datetime) -> int:
    """Make the deliveries of entries that were just read; return how many."""
    webhooks = list(Webhook.objects.filter(on_since__isnull=False))
    if not webhooks:
        return 0
    entries = Entry.objects.filter(pk__in=entry_ids, event__in=rules.TOLD).order_by("pk")
    made = [delivery(webhook, entry, now) for entry in entries for webhook in webhooks if _concerns(webhook, entry)]
    Delivery.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def delivery(webhook: Webhook, entry: Entry, now: datetime) -> Delivery:
    """Return the delivery of an entry, which is not written yet."""
    word = rules.told_as(webhook.events, entry.event)
    return Delivery(webhook=webhook, entry_id=entry.pk, event=word, last_attempt=rules.MOST_TRIES, next_try_at=now)


def _concerns(webhook: Webhook, entry: Entry) -> bool:
    return webhook.on_since is not None and entry.at >= webhook.on_since and rules.covers(webhook.events, entry.event)
