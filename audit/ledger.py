"""Writing, chaining and checking the ledger.

`record` puts an entry into the caller's transaction. The clock seals entries into the tenant's chain in batches: the
digest of a seal covers the digest before it and every field of its entry, so that a row that was changed, removed or
slipped in breaks the chain from there on.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any

from django.db import IntegrityError, connections, models, transaction
from django.utils import timezone

from audit.digests import link
from audit.events import Event
from audit.models import Entry, Seal
from audit.principals import SYSTEM, Principal
from kit import addresses, context, identifiers, statements
from kit.progress import Seen, unseen

GENESIS = "0" * 64
BATCH = 500
LATE = timedelta(minutes=5)
"""How long after it was written an entry may be committed, or how far a host's clock be behind, and seals follow."""

JsonValue = str | int | bool | list[str] | list[dict[str, str]]


_COLUMNS = [field.attname for field in Entry._meta.concrete_fields]
_TYPED = {"detail": "::jsonb", "at": "::timestamptz", "proved_at": "::timestamptz"}

Fields = Mapping[str, Any]
"""The columns of an entry that is not written yet."""


@dataclass(frozen=True, slots=True)
class About:
    """What an entry is about, where no row stands for it yet."""

    kind: str
    id: str
    label: str


_NOTHING = About("", "", "")

_EACH_TENANT = """
WITH RECURSIVE each_tenant (id) AS (
    SELECT min(tenant_id) FROM audit_entry
    UNION ALL
    SELECT (SELECT min(tenant_id) FROM audit_entry WHERE tenant_id > each_tenant.id)
    FROM each_tenant WHERE each_tenant.id IS NOT NULL
)
"""
# The entry of the last seal is not always the newest that is chained: it may have been committed late, or written by a
# host whose clock is right, behind one whose clock was ahead.
_BEHIND_THE_LAST_SEAL = """
AND EXISTS (
    SELECT 1 FROM audit_entry WHERE audit_entry.tenant_id = each_tenant.id AND audit_entry.id > COALESCE(
        (SELECT entry_id FROM audit_seal WHERE audit_seal.tenant_id = each_tenant.id ORDER BY sequence DESC LIMIT 1), ''
    ) AND NOT EXISTS (SELECT 1 FROM audit_seal WHERE audit_seal.entry_id = audit_entry.id)
)
"""


def record(
    event: Event,
    *,
    by: Principal,
    about: models.Model | None = None,
    on_behalf_of: str = "",
    through: str = "",
    reason: str = "",
    detail: Mapping[str, JsonValue] | None = None,
) -> Entry:
    """Write one entry for the current tenant, in the transaction that is open."""
    what = About(about._meta.model_name or "", str(about.pk), str(about)) if about is not None else _NOTHING
    return Entry.unscoped.create(
        **fields(event, by=by, about=what, on_behalf_of=on_behalf_of, through=through, reason=reason, detail=detail)
    )


def record_all(entries: Iterable[Fields]) -> None:
    """Write entries at once, as `fields` made them, in the transaction that is open."""
    Entry.unscoped.bulk_create(Entry(**entry) for entry in entries)


def fields(
    event: Event,
    *,
    by: Principal,
    about: About,
    on_behalf_of: str = "",
    through: str = "",
    reason: str = "",
    detail: Mapping[str, Any] | None = None,
) -> Fields:
    """Return the entry of something that the caller writes down itself (`insertion`)."""
    # What the clock's hands do on the way of a request, nobody who asked did.
    proof = context.UNPROVED if by == SYSTEM else context.proof()
    return {
        "id": identifiers.make("evt"),
        "tenant_id": context.require_id(),
        "at": timezone.now(),
        "event": event.value,
        "principal_kind": by.kind.value,
        "principal_id": by.id[:255],
        "principal_label": by.label[:255],
        "on_behalf_of": on_behalf_of,
        "through": through,
        "about_kind": about.kind,
        "about_id": about.id,
        "about_label": about.label[:512],
        "reason": reason[:512],
        "request_id": context.request_id(),
        "network": _network(),
        "proof": proof.how[:80],
        "proved_at": proof.at,
        "detail": dict(detail or {}),
    }


def _network() -> str:
    """Return the network of whoever asks: the ledger forgets nothing, so it does not learn whose address it was."""
    found = addresses.network(context.address())
    return "" if found == addresses.UNKNOWN else found


def latest_about(kind: str, pk: str) -> Entry | None:
    """Return what was last done to something of the current tenant; that a person signed in changes nothing of them."""
    found = Entry.objects.filter(about_kind=kind, about_id=pk)
    return found.exclude(event__regex=r"^(login|logout|factor|recovery_codes)\.").order_by("-pk").first()


def insertion(entry: Fields, *, of: str = "") -> tuple[str, list[object]]:
    """Return the statement that writes an entry, and its values; with `of`, once for each row of that query."""
    written = {
        **entry,
        "at": statements.written_moment(entry["at"]),
        "proved_at": statements.written_moment(entry["proved_at"]) if entry["proved_at"] else None,
        "detail": statements.written_json(entry["detail"]),
    }
    return _insertion(of), [written[name] for name in _COLUMNS]


@lru_cache
def _insertion(of: str) -> str:
    casts = [_TYPED.get(name, "") if statements.is_postgresql() else "" for name in _COLUMNS]
    selected = ", ".join(f"%s{cast}" for cast in casts)
    return f"INSERT INTO {Entry._meta.db_table} ({', '.join(_COLUMNS)}) SELECT {selected}{f' FROM {of}' if of else ''}"


def tenants_waiting(now: datetime, *, using: str) -> list[str]:
    """Return the tenants that have entries which are not chained yet: newer than their last seal, or of late.

    It asks as much as there are tenants and recent entries, however long the ledger is. What it leaves out is an entry
    that was committed long after it was written, where nothing followed it: `all_tenants` are looked at for that.
    """
    unsealed = _not_sealed(Entry.unscoped.using(using), since=identifiers.at("evt", now - LATE), using=using)
    found = set(unsealed.order_by().values_list("tenant_id", flat=True).distinct())
    return sorted(found.union(tenants_where(_BEHIND_THE_LAST_SEAL, using=using)))


def all_tenants(*, using: str) -> list[str]:
    """Return every tenant that has an entry."""
    return tenants_where("", using=using)


def seal(tenant_id: str, *, using: str, whole: bool = False) -> int:
    """Chain up to one batch of unsealed entries; return how many. A lost race seals nothing and says 0.

    It looks a while behind the last seal, for entries that were committed late; if `whole`, at all there are.
    """
    last = Seal.unscoped.using(using).filter(tenant_id=tenant_id).order_by("-sequence").first()
    sequence, digest = (last.sequence, last.digest) if last else (0, GENESIS)
    since = _before(last.entry_id, using=using) if last and not whole else ""
    seals = []
    for entry in _unsealed(tenant_id, since=since, using=using)[:BATCH]:
        sequence += 1
        digest = link(digest, entry)
        seals.append(Seal(tenant_id=tenant_id, sequence=sequence, entry_id=entry.pk, digest=digest))
    try:
        with transaction.atomic(using=using):
            Seal.unscoped.using(using).bulk_create(seals)
    except IntegrityError:
        return 0
    return len(seals)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check of one tenant's chain saw: seals that hold, entries still unsealed, and the first bad sequence."""

    sealed: int
    unsealed: int
    broken_at: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A link of a tenant's chain: how many there are up to it, its digest, and its entry."""

    sequence: int = 0
    digest: str = GENESIS
    entry_id: str = ""


BEGINNING = Place()


def verify(tenant_id: str, *, using: str, seen: Seen = unseen) -> Finding:
    """Walk a tenant's chain from its beginning and say what holds."""
    place, why = walk(tenant_id, BEGINNING, using=using, seen=seen)
    if why:
        return Finding(place.sequence, 0, place.sequence + 1, why)
    return Finding(place.sequence, _unsealed(tenant_id, using=using).count())


def walk(
    tenant_id: str, since: Place, *, using: str, most: int | None = None, seen: Seen = unseen
) -> tuple[Place, str]:
    """Walk a tenant's chain on from a place; return up to where it holds, and why the next link does not, or ""."""
    place = since
    for sealed_as, entry in islice(_chain(tenant_id, using=using, after=since.sequence), most):
        seen(1)
        if sealed_as.sequence != place.sequence + 1:
            return place, "a seal is missing"
        if entry is None:
            return place, f"entry {sealed_as.entry_id} is gone"
        if link(place.digest, entry) != sealed_as.digest:
            return place, f"entry {sealed_as.entry_id} was changed"
        place = Place(sealed_as.sequence, sealed_as.digest, sealed_as.entry_id)
    return place, ""


def _unsealed(tenant_id: str, *, using: str, since: str = "") -> "models.QuerySet[Entry]":
    return _not_sealed(Entry.unscoped.using(using).filter(tenant_id=tenant_id), since=since, using=using).order_by("pk")


def _not_sealed(entries: "models.QuerySet[Entry]", *, since: str, using: str) -> "models.QuerySet[Entry]":
    """Return those that are not chained, from an id on."""
    # The bound stands on both sides, so that no more seals are read than entries.
    sealed = Seal.unscoped.using(using).filter(entry_id=models.OuterRef("pk"), entry_id__gte=since)
    return entries.filter(~models.Exists(sealed), pk__gte=since)


def _before(entry_id: str, *, using: str) -> str:
    """Return what no id is below that was made LATE before an entry, or later; behind one of the future, LATE ago."""
    at = Entry.unscoped.using(using).filter(pk=entry_id).values_list("at", flat=True).first()
    return identifiers.at("evt", min(at, timezone.now()) - LATE) if at else ""


def tenants_where(condition: str, *, using: str) -> list[str]:
    """Return the tenants of the ledger that meet a condition: one step of an index for each, not one for each entry."""
    with connections[using].cursor() as cursor:
        cursor.execute(f"{_EACH_TENANT} SELECT id FROM each_tenant WHERE id IS NOT NULL {condition} ORDER BY id")
        return [tenant_id for (tenant_id,) in cursor.fetchall()]


def _chain(tenant_id: str, *, using: str, after: int) -> Iterator[tuple[Seal, Entry | None]]:
    """Give each seal behind a place with its entry, or None where that is gone; a batch is two queries."""
    entries = Entry.unscoped.using(using).filter(tenant_id=tenant_id)
    behind = Seal.unscoped.using(using).filter(tenant_id=tenant_id, sequence__gt=after)
    seals = behind.order_by("sequence").iterator(chunk_size=BATCH)
    while batch := list(islice(seals, BATCH)):
        found = entries.in_bulk([seal.entry_id for seal in batch])
        yield from ((seal, found.get(seal.entry_id)) for seal in batch)
