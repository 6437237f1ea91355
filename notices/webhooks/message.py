"""What is sent: an entry of the ledger as everybody reads it, under its own id, signed (Standard Webhooks 1.0.0)."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from standardwebhooks import Webhook as Signer

from audit import export
from audit.models import Entry


def text_of(entry: Entry, *, issuer: str, word: str) -> str:
    """Return the body: the same text whenever it is made. `data` is what the API answers about the event.

    `word` is what its delivery calls it: the event's own name, or one for several (`rules.CHANGED`).
    """
    told = {"type": word, "timestamp": entry.at.isoformat(), "data": {"issuer": issuer, **export.written(entry)}}
    return json.dumps(told, separators=(",", ":"))


def headers(entry_id: str, text: str, secrets: Iterable[str], *, now: datetime) -> Mapping[str, str]:
    """Return the headers of a try at this moment, signed with each secret that its receiver may know."""
    # The library takes the digits of a time for UTC, whatever zone it is in.
    moment = now.astimezone(UTC)
    return {
        "Content-Type": "application/json",
        "webhook-id": entry_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(Signer(secret).sign(entry_id, moment, text) for secret in secrets),
    }
