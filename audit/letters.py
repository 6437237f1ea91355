"""Jobs that failed after all their tries, for operators: a row for each job and tenant, closed when it works again."""

import traceback
from collections.abc import Set
from pathlib import Path

import structlog
from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from audit.models import DeadLetter

_HOME = Path(__file__).resolve().parent.parent
_log = structlog.get_logger("audit.letters")


def keep(job: str, error: BaseException, *, tenant: str = "") -> None:
    """Write down that a job failed; where even that fails, the log has it."""
    try:
        _keep(job[:80], tenant, type(error).__name__[:120], _place(error)[:200])
    except DatabaseError:
        _log.exception("a dead letter was not kept", job=job, tenant=tenant)


def failed(job: str) -> bool:
    """Say whether a job failed as a whole when it ran last."""
    return _letters().filter(job=job, of_tenant="", recovered_at=None).exists()


def open_tenants(job: str) -> Set[str]:
    """Return the tenants in which a job failed when it ran last."""
    return set(_letters().filter(job=job, recovered_at=None).exclude(of_tenant="").values_list("of_tenant", flat=True))


def recover(job: str, *, tenant: str = "") -> None:
    """Write down that a job works again."""
    _letters().filter(job=job, of_tenant=tenant, recovered_at=None).update(recovered_at=timezone.now())


def _keep(job: str, tenant: str, error: str, place: str) -> None:
    now = timezone.now()
    what = {"error": error, "place": place, "last_at": now, "recovered_at": None}
    mine = _letters().filter(job=job, of_tenant=tenant)
    if mine.update(failures=F("failures") + 1, **what):
        return
    try:
        with transaction.atomic(using=settings.OPERATOR_ALIAS):
            DeadLetter.objects.using(settings.OPERATOR_ALIAS).create(job=job, of_tenant=tenant, first_at=now, **what)
    except IntegrityError:
        mine.update(failures=F("failures") + 1, **what)


def _place(error: BaseException) -> str:
    """Return the last line of ours on the way to an error."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_HOME)]
    return f"{Path(ours[-1].filename).relative_to(_HOME)}:{ours[-1].lineno}" if ours else ""


def _letters() -> "QuerySet[DeadLetter]":
    return DeadLetter.objects.using(settings.OPERATOR_ALIAS)
