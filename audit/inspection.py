"""Whether the chains hold, asked by the clock a stretch at a time, so that a page can say so without walking one.

A walk goes on from where it stood, by the digest that was kept of that place: seals that were made anew do not fit it.
Once it is at the end it waits for more, and after a day it begins again.
"""

from datetime import datetime, timedelta

import structlog

from audit import ledger, letters
from audit.ledger import BEGINNING, Place
from audit.models import Inspection, Seal

JOB = "audit.inspect"
AGAIN = timedelta(days=1)
MOST = 10_000
"""Entries that are walked of one tenant in one run: about a second."""
_log = structlog.get_logger("audit.inspection")
_NOT_REACHED = """
AND NOT EXISTS (
    SELECT 1 FROM audit_inspection WHERE audit_inspection.tenant_id = each_tenant.id AND audit_inspection.why = ''
    AND audit_inspection.sequence = COALESCE((
        SELECT sequence FROM audit_seal WHERE audit_seal.tenant_id = each_tenant.id ORDER BY sequence DESC LIMIT 1
    ), 0)
)
"""


class Broken(Exception):
    """A tenant's chain does not hold: operators read of it as of any job that failed."""


def waiting(now: datetime, *, using: str) -> list[str]:
    """Return the tenants whose chain goes on behind the last walk, does not hold, or is due for a new walk."""
    found = set(ledger.tenants_where(_NOT_REACHED, using=using))
    due = Inspection.unscoped.using(using).filter(began_at__lte=now - AGAIN)
    return sorted(found.union(due.values_list("tenant_id", flat=True)))


def inspect(tenant_id: str, *, using: str, now: datetime) -> int:
    """Walk on through a tenant's chain, and keep how far it holds; return how many entries were walked."""
    last = Seal.unscoped.using(using).filter(tenant_id=tenant_id).order_by("-sequence").first()
    end = last.sequence if last else 0
    kept = _kept(tenant_id, end, using=using, now=now)
    since = Place(kept.sequence, kept.digest)
    place, why = ledger.walk(tenant_id, since, using=using, most=MOST)
    if not why and end < kept.reached:
        why = f"seals behind {end} are gone"
    if not why and (place.sequence > kept.reached or place.sequence == end):
        kept.reached, kept.reached_at = place.sequence, now
        kept.reached_entry = place.entry_id or kept.reached_entry
    kept.sequence, kept.digest = place.sequence, place.digest
    _tell(kept, why)
    kept.save(using=using)
    return place.sequence - since.sequence


def _kept(tenant_id: str, end: int, *, using: str, now: datetime) -> Inspection:
    """Return where a tenant's walk stands; at the beginning where there is none, or it is over and a day old."""
    kept = Inspection.unscoped.using(using).filter(tenant_id=tenant_id).first()
    fresh = {"began_at": now, "sequence": BEGINNING.sequence, "digest": BEGINNING.digest}
    if kept is None:
        return Inspection(tenant_id=tenant_id, **fresh)
    if kept.began_at <= now - AGAIN and (kept.sequence == end or kept.why):
        for name, value in fresh.items():
            setattr(kept, name, value)
    return kept


def _tell(kept: Inspection, why: str) -> None:
    """Tell operators of a chain that does not hold, each time that it is seen, and once when it holds again."""
    if why:
        _log.error("the ledger does not hold", tenant_id=kept.tenant_id, sequence=kept.sequence + 1, why=why)
        letters.keep(JOB, Broken(), tenant=kept.tenant_id)
    elif kept.why:
        letters.recover(JOB, tenant=kept.tenant_id)
    kept.broken_at, kept.why = (kept.sequence + 1, why) if why else (None, "")
