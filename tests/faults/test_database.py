"""The database goes away, fills up, refuses to write, or hangs up in the middle of a transaction."""

import os
import subprocess
import time
from contextlib import contextmanager

import pytest

from tests.faults import proxy
from tests.faults.processes import until
from tests.faults.proxy import Cut
from tests.faults.traffic import flowing

pytestmark = pytest.mark.faults
SERVED = 30
_SLEEPING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"


def sleeping(run):
    with run.cluster.superuser() as connection:
        return connection.execute(_SLEEPING).fetchone()[0]


def test_a_database_that_crashes_under_load_costs_answers_and_no_promise(run):
    run.product.web()
    with flowing(run.world, run.history) as traffic:
        traffic.until(SERVED, since=0)
        run.cluster.stop("immediate")
        traffic.until_status(503)
        run.cluster.start()
        again = time.monotonic()
        traffic.until(SERVED, since=again)
    run.check("database crashes under load", "503 until it is back, then everything that was answered", since=again)


@pytest.mark.long
def test_connections_that_are_cut_ten_times_cost_answers_and_no_promise(run):
    web = run.product.web()
    with flowing(run.world, run.history) as traffic:
        traffic.until(SERVED, since=0)
        cut = 0
        for _ in range(10):
            cut += run.cluster.terminate()
            traffic.until(5, since=time.monotonic())
    assert cut >= 10
    assert web.is_alive
    run.check("every database connection is cut, ten times", "503 or served; the process goes on")


def test_a_statement_of_a_process_that_was_killed_goes_on_for_seconds_and_not_to_its_end(run):
    endless = "from django.db import connection; connection.cursor().execute('SELECT pg_sleep(600)')"
    asking = run.product.manage("shell", "--no-imports", "--command", endless)
    until(lambda: sleeping(run), asking)
    asking.kill()
    until(lambda: not sleeping(run), seconds=15)


@pytest.mark.long
@pytest.mark.parametrize("where", [Cut.BEFORE_COMMIT, Cut.AFTER_COMMIT], ids=["before", "after"])
def test_a_wire_that_is_cut_around_a_commit_loses_nothing_that_was_answered(run, where):
    with proxy.to(run.cluster.port) as wire:
        run.product.web(**run.cluster.environment(wire.port))
        with flowing(run.world, run.history) as traffic:
            traffic.until(SERVED, since=0)
            wire.cut, wire.left = where, 20
            traffic.until_true(lambda: not wire.left)
            traffic.until(SERVED, since=time.monotonic())
    run.check(f"connection cut {where}, twenty times", "nothing answered is lost; asking again is safe")


@contextmanager
def small_disk(cluster):
    """Keep the ledger on a disk of 64 megabytes, and fill it; yield a call that makes room again."""
    place = cluster.folder / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=0777", "none", str(place)], check=True)
    try:
        (place / "ts").mkdir()
        subprocess.run(["chown", "postgres:", str(place / "ts")], check=True)
        with cluster.superuser() as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{place / 'ts'}'")
            connection.execute("ALTER TABLE audit_entry SET TABLESPACE small")
            try:
                yield place / "ballast"
            finally:
                connection.execute("ALTER TABLE audit_entry SET TABLESPACE pg_default")
                connection.execute("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        place.rmdir()


def fill(ballast):
    """Write until nothing goes in any more."""
    with ballast.open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                pass


@pytest.mark.long
@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_refuses_what_it_cannot_record_and_serves_again_when_there_is_room(run):
    run.product.web()
    with small_disk(run.cluster) as ballast, flowing(run.world, run.history) as traffic:
        traffic.until(SERVED, since=0)
        fill(ballast)
        traffic.until_status(503)
        traffic.over.wait(3)
        ballast.unlink()
        again = time.monotonic()
        traffic.until(SERVED, since=again)
    run.check("the ledger's disk is full", "503; nothing happens that is not recorded", since=again)


@pytest.mark.long
def test_a_database_that_takes_no_writes_refuses_them_until_it_does(run):
    run.product.web()
    with flowing(run.world, run.history) as traffic, run.cluster.superuser() as connection:
        traffic.until(SERVED, since=0)
        try:
            connection.execute("ALTER DATABASE remit_faults SET default_transaction_read_only = on")
            run.cluster.terminate()
            traffic.until_status(503)
            traffic.over.wait(3)
        finally:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute("ALTER DATABASE remit_faults RESET default_transaction_read_only")
            run.cluster.terminate()
        again = time.monotonic()
        traffic.until(SERVED, since=again)
    run.check("database is read-only for a while", "503 for what writes", since=again)
