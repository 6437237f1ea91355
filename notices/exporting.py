"""A list as a file that the clock writes: each chunk is a part, kept with the job for a week, and read in order.

The parts stand in the database, because whoever is asked for the file is another process, and may be on another
machine. Nothing that was written twice or half is ever in it: a part is a row of its chunk's transaction.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from audit.ledger import JsonValue, record
from audit.principals import Principal
from kit import context, spreadsheet
from notices import lists, selecting, table
from notices.errors import NoFile, TooLong
from notices.models import Job, JobItem, JobPart
from tenants.models import Membership

CSV, JSON = "csv", "json"
TYPES = {CSV: "text/csv; charset=utf-8", JSON: "application/json"}
KEPT = timedelta(days=7)
MOST = 200_000
"""Rows of one file: each is frozen when it is asked for."""


def ask(
    found: "QuerySet[Any]",
    form: str,
    *,
    selection: Mapping[str, str],
    member: Membership,
    by: Principal,
    noun: str = lists.DELEGATIONS,
) -> Job:
    """Let a list be written into a file; an empty one is a file, too. Raises TooLong or EnoughAtWork."""
    if form not in TYPES or noun not in lists.REGISTRY:
        raise ValueError(form, noun)
    if found.order_by()[: MOST + 1].count() > MOST:
        raise TooLong(noun)
    return selecting.ask(Job.Kind.EXPORT, found, selection=selection, member=member, by=by, form=form, noun=noun)


def write(job: Job, items: Sequence[JobItem], by: Principal) -> None:
    """Write the part of a chunk."""
    which = lists.REGISTRY[job.noun]
    known = which.dressed().in_bulk([item.object_id for item in items])
    rows = which.written([known[item.object_id] for item in items if item.object_id in known])
    content = b"".join(map(table.csv, rows)) if job.form == CSV else ",\n".join(map(table.as_json, rows)).encode()
    JobPart.objects.create(job=job, number=items[0].pk, content=content)


@transaction.atomic
def hand_out(tenant: context.HasId, job: Job, *, by: Principal) -> Iterator[bytes]:
    """Return the file in pieces, and write down who took it. Raises NoFile."""
    has_parts = job.parts.exists() or not job.done
    if job.kind != Job.Kind.EXPORT or not job.is_over or not has_parts:
        raise NoFile(job.pk)
    detail: dict[str, JsonValue] = {"job": job.pk, "form": job.form, "rows": job.done}
    record(lists.REGISTRY[job.noun].event, by=by, about=job, detail={**detail, "list": job.noun})
    return _pieces(tenant, job)


def over(now: datetime) -> "QuerySet[JobPart]":
    """Return the parts of files that were written a week ago."""
    return JobPart.objects.filter(created_at__lt=now - KEPT).order_by("created_at")


def _pieces(tenant: context.HasId, job: Job) -> Iterator[bytes]:
    """Return the parts with what stands around them; each enters the tenant anew: the request is over by then."""
    header = spreadsheet.row(lists.REGISTRY[job.noun].columns)
    first, between, last = (header, b"", b"") if job.form == CSV else (b"[\n", b",\n", b"\n]\n")
    yield first
    before, joint = 0, b""
    while True:
        with context.use(tenant):
            part = JobPart.objects.filter(job=job, number__gt=before).order_by("number").first()
        if part is None:
            break
        if part.content:
            yield joint + bytes(part.content)
            joint = between
        before = part.number
    yield last
