"""Metrics for Prometheus, on a port of their own that no proxy leads to.

What is counted in a process stands in `kit.metrics`. What stands in the database is asked for when somebody looks: it
is the same from whichever process answers. A database that is away is a metric, too.
"""

import errno
import threading
import time
from collections.abc import Iterator
from datetime import datetime

import structlog
from django.conf import settings
from django.db import DatabaseError, connections
from django.db.models import Count, Max, Min, Model, Q, QuerySet
from django.utils import timezone
from prometheus_client import REGISTRY, CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from agents.models import Approval
from audit.models import DeadLetter, Entry, Inspection, Seal
from notices.models import Delivery, Job, Notice
from remit import health
from tokens.models import AccessToken, SigningKey

AGAIN = 5
_log = structlog.get_logger("remit.metrics")


class OfTheDatabase(Collector):
    """How much waits and for how long, and how old the clock, the keys and what was revoked are."""

    def describe(self) -> list[GaugeMetricFamily]:
        return []  # Asked for at registration: nobody looks at the database for that.

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            yield from _gauges(timezone.now())
            yield GaugeMetricFamily("remit_database_up", "Whether the database answers.", value=1)
        except DatabaseError:
            yield GaugeMetricFamily("remit_database_up", "Whether the database answers.", value=0)
        finally:
            connections.close_all()


def serve() -> None:
    """Answer on the port that the settings name; of several workers one does, and another when that one dies."""
    if settings.METRICS_PORT:
        threading.Thread(target=_hold_the_port, name="metrics", daemon=True).start()


def _hold_the_port() -> None:
    while True:
        try:
            start_http_server(settings.METRICS_PORT, addr=settings.METRICS_HOST, registry=_registry())
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                _log.exception("no metrics")
                return
            time.sleep(AGAIN)
        else:
            return


def _registry() -> CollectorRegistry:
    """Return this process's own registry, or that of all workers where they share a folder."""
    if not settings.METRICS_FOLDER:
        REGISTRY.register(OfTheDatabase())
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=settings.METRICS_FOLDER)  # type: ignore[no-untyped-call]
    registry.register(OfTheDatabase())
    return registry


def _gauges(now: datetime) -> Iterator[GaugeMetricFamily]:
    yield from _waiting("approvals", _all(Approval).filter(status=Approval.Status.WAITING), now)
    yield from _waiting("notices", _all(Notice).filter(state=Notice.State.WAITING), now)
    yield from _waiting("deliveries", _all(Delivery).filter(state=Delivery.State.WAITING), now)
    yield from _waiting("jobs", _all(Job).filter(state__in=[Job.State.RUNNING, Job.State.STOPPING]), now)
    yield _gauge("clock_seconds", "Time since the clock's last pulse.", health.clock_lag(now) or 0.0)
    yield _gauge("clock_late_jobs", "How many jobs of the clock stand still.", len(health.late_jobs(now)))
    open_letters = DeadLetter.objects.using(settings.OPERATOR_ALIAS).filter(recovered_at=None).count()
    yield _gauge("dead_letters", "Jobs that failed when they ran last, by tenant.", open_letters)
    yield _gauge("ledgers_broken", "How many tenants' chains do not hold.", _all(Inspection).filter(~Q(why="")).count())
    yield _gauge(
        "ledger_unsealed_seconds", "Age of the oldest entry that is not chained yet.", _since(_unsealed(), now)
    )
    yield _gauge(
        "revocation_lag_seconds",
        "How long the last token lives that a resource server may accept although its delegation ended.",
        _until(_last_dead(now), now),
    )
    ages = GaugeMetricFamily("remit_key_age_seconds", "Age of the oldest active key.", labels=["algorithm"])
    active = _all(SigningKey).filter(status=SigningKey.Status.ACTIVE).values("algorithm")
    for row in active.annotate(since=Min("activate_at")).order_by("algorithm"):
        ages.add_metric([row["algorithm"]], _since(row["since"], now))
    yield ages


def _waiting(what: str, waiting: "QuerySet[Model]", now: datetime) -> Iterator[GaugeMetricFamily]:
    found = waiting.aggregate(number=Count("pk"), oldest=Min("created_at"))
    yield _gauge(f"{what}_waiting", f"How many {what} wait.", found["number"])
    yield _gauge(f"{what}_oldest_seconds", f"How long the oldest of the {what} waits.", _since(found["oldest"], now))


def _unsealed() -> datetime | None:
    """Return when the first entry behind the newest seal was written; ids are in the order of time."""
    last = Seal.unscoped.using(settings.OPERATOR_ALIAS).aggregate(last=Max("entry_id"))["last"] or ""
    behind = Entry.unscoped.using(settings.OPERATOR_ALIAS).filter(pk__gt=last)
    first: datetime | None = behind.aggregate(first=Min("at"))["first"]
    return first


def _last_dead(now: datetime) -> datetime | None:
    over = Q(delegation__ended_at__isnull=False) | Q(revoked_at__isnull=False)
    by_itself = Q(delegation__resource_server__asks_each_time=False, digest="")
    last: datetime | None = (
        _all(AccessToken).filter(over, by_itself, expires__gt=now).aggregate(last=Max("expires"))["last"]
    )
    return last


def _all(model: type[Model]) -> "QuerySet[Model]":
    found: QuerySet[Model] = model.unscoped.using(settings.OPERATOR_ALIAS).all()  # type: ignore[attr-defined]
    return found


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"remit_{name}", help_text, value=value)


def _since(moment: datetime | None, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds()) if moment else 0.0


def _until(moment: datetime | None, now: datetime) -> float:
    return max(0.0, (moment - now).total_seconds()) if moment else 0.0
