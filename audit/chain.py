"""How far the current tenant's chain of seals reaches, and how far the clock has walked it: read, never walked here."""

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models.functions import JSONObject

from audit.ledger import BATCH, GENESIS
from audit.models import Entry, Inspection, Seal
from kit import context, moments

_WALKED = ("reached", "reached_entry", "reached_at", "broken_at", "why")


@dataclass(frozen=True, slots=True)
class Sealed:
    """How far the current tenant's chain reaches, and how many of the latest entries wait for the clock."""

    sequence: int
    entry_id: str
    digest: str
    waiting: int
    walk: Inspection | None = None
    """How far the clock walked it, or None where it has yet to come to it; with what a page says of it, no more."""


def sealed() -> Sealed:
    """Return where the current tenant's chain ends. Whether it holds is a walk: `verify`."""
    seals = Seal.unscoped.filter(tenant_id=context.require_id())
    chained = models.Exists(seals.filter(entry_id=models.OuterRef("pk")))
    end = JSONObject(sequence="sequence", entry_id="entry_id", digest="digest")
    # Beside each entry stands the same end, which is looked for once: a chain without an entry has none.
    last = models.Subquery(seals.order_by("-sequence").values(end=end)[:1])
    said = JSONObject(**{name: name for name in _WALKED})
    walk = models.Subquery(Inspection.objects.values(said=said)[:1])
    newest = Entry.objects.order_by("-pk").values_list(chained, last, walk)[:BATCH]
    flags, ends, walks = zip(*newest, strict=True) if newest else ((), (None,), (None,))
    end_of_chain = ends[0] or {"sequence": 0, "entry_id": "", "digest": GENESIS}
    return Sealed(**end_of_chain, waiting=flags.count(False), walk=_walked(walks[0]))


def _walked(said: dict[str, Any] | None) -> Inspection | None:
    if said is None:
        return None
    at = said["reached_at"]
    return Inspection(**said | {"reached_at": moments.of_database(at) if at else None})
