"""A new version is provisioned while the old one serves."""

import time

import pytest

from tests.faults.processes import PATIENCE, until
from tests.faults.traffic import flowing

pytestmark = [pytest.mark.faults, pytest.mark.long]
NEXT = {"DJANGO_SETTINGS_MODULE": "tests.faults.growing"}
SERVED = 20
_WAITS = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'remit_test_owner' AND wait_event_type = 'Lock'"
_GROWN = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'growth'"


def count(cluster, question):
    with cluster.superuser() as connection:
        return connection.execute(question).fetchone()[0]


def succeeds(process):
    assert process.child.wait(timeout=PATIENCE) == 0, process.tail()


def test_a_migration_under_traffic_delays_requests_and_fails_none(run):
    web = run.product.web()
    with flowing(run.world, run.history) as traffic:
        traffic.until(SERVED, since=0)
        began = time.monotonic()
        with run.cluster.superuser() as reader, reader.transaction():
            reader.execute("SELECT 1 FROM tokens_refreshtoken LIMIT 1")
            growing = run.product.manage("provision", **NEXT)
            until(lambda: count(run.cluster, _WAITS), web, growing)
            until(lambda: not count(run.cluster, _WAITS), web, growing)
        assert growing.is_alive, "it gave way to whoever reads, and comes again"
        assert not count(run.cluster, _GROWN)
        succeeds(growing)
        assert count(run.cluster, _GROWN) == 4
        traffic.until(SERVED, since=time.monotonic())
        for command in (["provision"], ["migrate", "growth", "zero", "--database", "owner"]):
            succeeds(run.product.manage(*command, **NEXT))
        assert not count(run.cluster, _GROWN)
        over = time.monotonic()
        traffic.until(SERVED, since=over)
    assert sum(1 for each in run.history.after(began) if each.token and each.got < over) >= SERVED
    run.check("migrations and `provision` of another version under traffic", "answered late, or 503", since=over)
