"""Long work as the pages show it: what it is, how far, and what may be done about it now."""

from typing import Any

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from notices import ending, jobs
from notices.models import Job
from tokens.endpoints.request import MemberRequest


def job_row(job: Job, request: MemberRequest) -> dict[str, Any]:
    """Return one job; it carries who asked for it (`asked_by__user`)."""
    is_fresh, is_stopping = timezone.now() - job.created_at <= ending.UNDO, job.state == Job.State.STOPPING
    is_theirs = job.asked_by_id == request.member.pk and job.is_over and job.kind == Job.Kind.END
    return {
        "id": job.pk,
        "kind": job.get_kind_display(),
        "title": _title(job),
        "is_ending": job.kind == Job.Kind.END,
        "form": job.form,
        "is_empty": job.is_over and not job.total,
        "noted": job.noted,
        "is_check": job.kind == Job.Kind.RECHECK,
        "state": job.state,
        "state_words": job.get_state_display() if job.kind == Job.Kind.END or not is_stopping else _("Stops"),
        "reason": job.reason,
        "by": str(job.asked_by),
        "at": job.created_at,
        "total": job.total,
        "gone_through": job.done + job.failed,
        "failed": job.failed,
        "retry_at": job.retry_at,
        "is_over": job.is_over,
        "may_stop": request.member.is_admin and job.state == Job.State.RUNNING and job.kind in jobs.STOPPABLE,
        # Asked last: of most jobs nobody could take anything back.
        "may_undo": is_theirs and is_fresh and not job.restorations.exists(),
    }


def at_work(request: MemberRequest) -> dict[str, Any] | None:
    """Return the newest work on what people allowed that is not over, or None."""
    found = Job.objects.filter(state__in=jobs.UNFINISHED, kind__in=(Job.Kind.END, Job.Kind.RESTORE))
    job = found.select_related("asked_by__user").order_by("-pk").first()
    return job_row(job, request) if job else None


def _title(job: Job) -> str | Promise:
    """Say what is being done, while it is, and how it stands once it is not."""
    number = {"number": number_format(job.total, force_grouping=True)}
    if job.state != Job.State.RUNNING:
        return job.get_state_display()
    if job.kind == Job.Kind.END:
        return ngettext("Ending %(number)s delegation", "Ending %(number)s delegations", job.total) % number
    if job.kind == Job.Kind.RESTORE:
        return ngettext("Giving %(number)s delegation back", "Giving %(number)s delegations back", job.total) % number
    return job.get_state_display()
