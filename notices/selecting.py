"""What long work is done to: frozen by one statement when it is asked for, whatever changes behind that."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from audit.events import Event
from audit.ledger import record
from audit.principals import Principal
from kit import context, whole_sets
from notices.errors import EnoughAtWork
from notices.models import Job, JobItem
from tenants.models import Membership

if TYPE_CHECKING:
    from django.db.models import QuerySet

AT_ONCE = 5
_FREEZE = (
    f"INSERT INTO {JobItem._meta.db_table} (tenant_id, job_id, object_id, state, note) "
    "SELECT %s, %s, s.id, 'waiting', '' FROM ({selection}) s"
)


def freeze(job: Job, found: "QuerySet[Any]") -> int:
    """Write one item for each thing that a selection holds at this moment, newest first; return how many."""
    with whole_sets.joined(), connection.cursor() as cursor:
        cursor.execute(*freezing(job, found))
        return int(cursor.rowcount)


def freezing(job: Job, found: "QuerySet[Any]") -> tuple[str, list[Any]]:
    """Return the statement that freezes a selection, and its values."""
    text, values = found.order_by("-pk").values_list("id").query.sql_with_params()
    return _FREEZE.format(selection=text), [context.require_id(), job.pk, *values]


@transaction.atomic
def ask(
    kind: Job.Kind,
    found: "QuerySet[Any]",
    *,
    selection: Mapping[str, str],
    member: Membership,
    by: Principal,
    form: str = "",
    noun: str = "delegations",
) -> Job:
    """Ask for work that changes nothing of what it is done to: all, or nothing, may match. Raises EnoughAtWork.

    Each freezes its selection, which is long at times, and whoever reads may ask: so somebody has a few at once.
    """
    Membership.objects.select_for_update(no_key=True).get(pk=member.pk)
    if _unfinished(member).count() >= AT_ONCE:
        raise EnoughAtWork(member.pk)
    job = Job.objects.create(kind=kind, selection=dict(selection), asked_by=member, form=form, noun=noun)
    job.total = freeze(job, found)
    Job.objects.filter(pk=job.pk).update(total=job.total)
    record(Event.JOB_STARTED, by=by, about=job, detail={"total": job.total, "kind": str(kind)})
    return job


def _unfinished(member: Membership) -> "QuerySet[Job]":
    at_work = Job.objects.filter(state__in=[Job.State.RUNNING, Job.State.STOPPING])
    return at_work.filter(asked_by=member, kind__in=[Job.Kind.EXPORT, Job.Kind.RECHECK])


def leave(job: Job, items: Sequence[JobItem], by: Principal) -> None:
    """Do nothing to what a stop did not let come to."""
