"""A cluster of the suite's own, the product on top of it, and a check of all that was answered at the end."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import httpx
import pytest
from django.db import connections
from django.test import override_settings
from django.utils import timezone

from audit import ledger
from audit.models import Lease
from remit import health
from tests.conformance.test_api import api_token
from tests.faults import brokers, checker, table
from tests.faults.brokers import Broker
from tests.faults.cluster import Cluster, bindir, folder
from tests.faults.history import History, Kind
from tests.faults.processes import Product, running, until
from tests.harness import key_pool
from tests.harness.world import Credentials, World, make

IS_WHOLE = "REMIT_TEST_FAULTS" in os.environ
"""Whether `make faults` runs, which takes minutes; the suite takes what is not marked as long."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    long = [item for item in items if item.get_closest_marker("long")]
    if long and not IS_WHOLE:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
    for item in items:
        if "cluster" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("the cluster"))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if IS_WHOLE and exitstatus == 0 and table.lines:
        table.write()


@pytest.fixture(scope="session", autouse=True)
def _database(django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """Here nothing stands on the database of the other tests."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="session")
def cluster(_database: None) -> Iterator[Cluster]:
    try:
        bindir()
    except LookupError as missing:
        pytest.skip(str(missing))
    cluster = Cluster(folder() / "pg")
    try:
        cluster.make()
        key_pool.install()
        yield cluster
    finally:
        cluster.end()


@dataclass
class Run:
    """One fault: where it happens, and what clients saw of it."""

    cluster: Cluster
    product: Product
    world: World
    history: History = field(default_factory=History)
    began: datetime = field(default_factory=timezone.now)

    def admin_token(self) -> str:
        """Return ada's access token for the API, through an app that she lets do so."""
        return api_token(self.world, self.world.public_client("Console app"), "ada", "jobs:read jobs:run")

    def look_at(self, who: Credentials, token: str) -> None:
        """Ask whether a token is active."""
        reader, url = self.world.introspector(), self.world.url("/introspect")
        self.history.ask(
            Kind.INTROSPECT, who.id, lambda: self.world.http.post(url, data={"token": token}, auth=reader.basic)
        )

    def let_leases_lapse(self) -> None:
        """Let the time be over for which a holder that died keeps its leases."""
        Lease.objects.using("operator").update(until=timezone.now())

    def ticked(self, since: datetime | None = None) -> bool:
        """Say whether the clock went on after a moment, by default since this test began."""
        ticked = Lease.objects.using("operator").filter(name=health.TICK, until__gte=since or self.began)
        return ticked.filter(until__lte=timezone.now()).exists()

    def check(self, fault: str, promise: str, *, since: float | None = None) -> None:
        """Let the checker read everything, and give the table its line; `since` is when the fault was over."""
        self.product.end()
        connections.close_all()  # What was cut by the fault is no reason for the checker to fail.
        until(self._chained)
        facts = checker.read([self.world.tenant])
        assert checker.violations(self.history, facts) == []
        assert facts.unsealed == 0
        table.add(fault, promise, self.history, since=since)

    def _chained(self) -> bool:
        """Chain a batch, as the clock may do at the same time, and say whether nothing is left."""
        ledger.seal(self.world.tenant.pk, using="operator")
        return self.world.tenant.pk not in ledger.tenants_waiting(timezone.now(), using="operator")


@pytest.fixture
def run(cluster: Cluster) -> Iterator[Run]:
    """The product of a test's own, with a tenant of its own; nothing of it is started yet."""
    with (
        running(cluster.environment(), folder() / "logs") as product,
        cluster.chosen(),
        override_settings(PUBLIC_ORIGIN=product.origin),
        httpx.Client(timeout=20) as http,
    ):
        world = make(product.origin, http)
        run = Run(cluster, product, world)
        # What the test before this one killed still holds its own.
        run.let_leases_lapse()
        yield run
        world.close()


@pytest.fixture(
    params=[brokers.redis, pytest.param(brokers.rabbitmq, marks=pytest.mark.long)], ids=["redis", "rabbitmq"]
)
def broker(request: pytest.FixtureRequest, run: Run) -> Iterator[Broker]:
    with request.param(folder()) as broker:
        run.product.environment["REMIT_BROKER_URL"] = broker.url
        yield broker


@pytest.fixture
def redis(run: Run) -> Iterator[Broker]:
    with brokers.redis(folder()) as broker:
        run.product.environment["REMIT_BROKER_URL"] = broker.url
        yield broker
