"""`/livez`: the process answers. `/readyz`: database, migrations, keys and clock are as they should be."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from audit.models import Lease
from tenants.models import Tenant
from tokens.keys import ALGORITHMS
from tokens.models import SigningKey

CLOCK_MAY_BE_LATE = timedelta(seconds=120)
JOBS_MAY_BE_LATE = timedelta(minutes=10)
TICK = "remit.tick"
KEYS_MAY_BE_LATE = timedelta(days=2)


def livez(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200, or 503 with the names of what is not as it should be."""
    try:
        problems = [*_migrations(), *_keys(), *_clock()]
    except DatabaseError:
        problems = ["database"]
    content = {"status": "ok"} if not problems else {"status": "not ready", "problems": problems}
    return JsonResponse(content, status=503 if problems else 200, headers={"Cache-Control": "no-store"})


def _migrations() -> list[str]:
    """Every migration that is here was applied there: a gap counts as much as a missing last one."""
    loader = MigrationLoader(connection)
    return ["migrations"] if loader.graph.nodes.keys() - loader.applied_migrations.keys() else []


def _keys() -> list[str]:
    """Every served tenant has its active keys, and none still signs two days after the next one should have."""
    served = Tenant.objects.filter(status=Tenant.Status.ACTIVE)
    of_served = SigningKey.unscoped.using(settings.OPERATOR_ALIAS).filter(tenant__status=Tenant.Status.ACTIVE)
    active = of_served.filter(status=SigningKey.Status.ACTIVE)
    late = timezone.now() - KEYS_MAY_BE_LATE
    following = of_served.filter(
        status=SigningKey.Status.NEXT, tenant=OuterRef("tenant"), algorithm=OuterRef("algorithm"), activate_at__gt=late
    )
    is_late = active.filter(~Exists(following), activate_at__lte=late).exists()
    return ["keys"] if is_late or active.count() < served.count() * len(ALGORITHMS) else []


def clock_lag(now: datetime) -> float | None:
    """Return how many seconds ago the clock ticked, or None where it never did: a value for whoever measures."""
    last = Lease.objects.filter(name=TICK).first()
    return max((now - last.until).total_seconds(), 0.0) if last else None


def late_jobs(now: datetime) -> list[str]:
    """Return the jobs that ran before, and not for ten of their turns."""
    turns = {str(line["task"]): float(str(line["schedule"])) for line in settings.CELERY_BEAT_SCHEDULE.values()}
    ran = Lease.objects.filter(name__in=turns).values_list("name", "until")
    allowed = {name: max(10 * timedelta(seconds=turn), JOBS_MAY_BE_LATE) for name, turn in turns.items()}
    return sorted(name for name, until in ran if now - until > allowed[name])


def _clock() -> list[str]:
    now = timezone.now()
    lag = clock_lag(now)
    stands = lag is None or lag >= CLOCK_MAY_BE_LATE.total_seconds()
    return ["clock"] if stands or late_jobs(now) else []
