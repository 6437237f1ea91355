"""The verbs of notices: read the ledger into them, and let people choose which they want."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from audit.events import Event
from audit.ledger import record
from audit.models import Entry, Seal
from audit.principals import Principal
from kit import context
from notices import kinds
from notices.kinds import Kind
from notices.models import Notice, OptOut, Reading
from notices.webhooks import outbox
from tenants.models import Membership

BATCH = 500
RECENT = timedelta(hours=1)
"""How far back a ledger is read that was never read before."""


@transaction.atomic
def read_ledger(now: datetime) -> int:
    """Make the notices and deliveries of what was sealed since the last time, up to a batch; return how many.

    The number moves in the transaction that makes them, by an UPDATE that another run would lose: nothing is read
    twice, and nothing is left out. What did not commit was never sealed.
    """
    reading = Reading.objects.first() or _begin(now)
    seals = list(_seals().filter(sequence__gt=reading.sequence).order_by("sequence")[:BATCH])
    if not seals:
        return 0
    moved = Reading.objects.filter(pk=reading.pk, sequence=reading.sequence).update(sequence=seals[-1].sequence)
    if not moved:
        return 0  # Another run was faster.
    read = [seal.entry_id for seal in seals]
    told = Entry.objects.filter(pk__in=read, event__in=kinds.EVENTS).order_by("pk")
    made = sum(_make(kind, entry, now) for entry in told for kind in kinds.of_event(entry.event))
    return made + outbox.queue(read, now)


@transaction.atomic
def choose(member: Membership, unwanted: Collection[str], *, by: Principal) -> None:
    """Say which kinds of mail a person does not want."""
    known = sorted(name for name, kind in kinds.REGISTRY.items() if name in unwanted and not kind.is_always)
    OptOut.objects.filter(member=member).exclude(kind__in=known).delete()
    OptOut.objects.bulk_create([OptOut(member=member, kind=kind) for kind in known], ignore_conflicts=True)
    record(Event.NOTICES_CHOSEN, by=by, about=member, detail={"unwanted": known})


def unwanted_by(member: Membership) -> frozenset[str]:
    """Return the kinds that a person does not want."""
    return frozenset(OptOut.objects.filter(member=member).values_list("kind", flat=True))


def _begin(now: datetime) -> Reading:
    """Begin to read: from an hour ago, so that nobody is mailed about the past of a tenant that was never read."""
    old = Entry.objects.filter(at__lt=now - RECENT).values("pk")
    last = _seals().filter(entry_id__in=old).order_by("-sequence").first()
    Reading.objects.bulk_create([Reading(sequence=last.sequence if last else 0)], ignore_conflicts=True)
    return Reading.objects.get()


def _make(kind: Kind, entry: Entry, now: datetime) -> int:
    """Make the notices of one kind about one entry; return how many."""
    members = {member.pk: member for member in kind.to(entry)}
    unwanted = OptOut.objects.filter(kind=kind.name, member__in=members).values_list("member", flat=True)
    off = set() if kind.is_always else set(unwanted)
    if kind.is_once:
        told = Notice.objects.filter(kind=kind.name, about_id=entry.about_id, recipient__in=members)
        off |= set(told.values_list("recipient", flat=True))
    made = [
        Notice(entry_id=entry.pk, kind=kind.name, about_id=entry.about_id, recipient=member, next_try_at=now)
        for pk, member in members.items()
        if pk not in off
    ]
    Notice.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def _seals() -> "QuerySet[Seal]":
    return Seal.unscoped.filter(tenant_id=context.require_id())
