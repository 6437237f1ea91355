"""`/livez`: the process answers. `/readyz`: database, migrations, keys and clock are as they should be."""

from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from audit.models import Lease
from tenants.models import Tenant
from tokens.keys import ALGORITHMS
from tokens.models import SigningKey

CLOCK_MAY_BE_LATE = timedelta(seconds=120)


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
    """Every served tenant has its active keys, and none is older than its rotation allows, with two days to spare."""
    latest = timezone.now() - timedelta(days=settings.KEY_DAYS + 2)
    served = Tenant.objects.filter(status=Tenant.Status.ACTIVE).count()
    active = SigningKey.unscoped.using(settings.OPERATOR_ALIAS).filter(
        status=SigningKey.Status.ACTIVE, tenant__status=Tenant.Status.ACTIVE
    )
    is_bad = active.filter(activate_at__lt=latest).exists() or active.count() < served * len(ALGORITHMS)
    return ["keys"] if is_bad else []


def _clock() -> list[str]:
    last = Lease.objects.filter(name="tick").first()
    return [] if last and timezone.now() - last.until < CLOCK_MAY_BE_LATE else ["clock"]
