"""What became of each thing that a job was done to: one line of CSV each, read in batches while it is sent."""

from collections.abc import Iterator

from delegations.models import Delegation
from kit import context, spreadsheet
from notices.models import Job, JobItem

COLUMNS = ("delegation", "for", "agent", "resource", "state", "note")
BATCH = 500


def lines(tenant: context.HasId, job: Job) -> Iterator[bytes]:
    """Return the lines of a report; every batch enters the tenant anew, because the request is over by then."""
    yield spreadsheet.row(COLUMNS)
    last = 0
    while True:
        with context.use(tenant):
            batch = list(JobItem.objects.filter(job=job, pk__gt=last).order_by("pk")[:BATCH])
            names = Delegation.objects.select_related("member__user", "agent", "resource_server")
            known = names.in_bulk([item.object_id for item in batch])
            yield b"".join(spreadsheet.row(_row(job, item, known.get(item.object_id))) for item in batch)
        if len(batch) < BATCH:
            return
        last = batch[-1].pk


def _row(job: Job, item: JobItem, delegation: Delegation | None) -> tuple[str, ...]:
    person = str(delegation.member) if delegation and delegation.member else ""
    agent = delegation.agent.name if delegation and delegation.agent else ""
    where = delegation.audience if delegation else ""
    return item.object_id, person, agent, where, _state(job, item), item.note or _tries(job, item)


def _state(job: Job, item: JobItem) -> str:
    is_left = item.state == JobItem.State.KEPT and job.kind != Job.Kind.END
    return "Not done" if is_left else item.get_state_display()


def _tries(job: Job, item: JobItem) -> str:
    """Say how often something was tried that could not be done at first."""
    if item.is_second_try:
        return "tried twice"
    is_due = item.state == JobItem.State.FAILED and job.retry_at is not None
    return f"tried again at {job.retry_at:%H:%M} UTC" if is_due else ""
