"""A fresh database for one test process, made as an operator makes one: roles, then `provision`.

Provisioning takes many seconds, and gives each process the same: the first one keeps a copy, for the others and for the
next run, under a name that changes with everything that provisioning reads.
"""

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from tests import settings
from tests.harness.server import ROOT

_LOCK = 7_203_114
_READ = (
    "*/migrations/*.py", "*/management/commands/provision.py", "*/scoping.py", "audit/models.py",
    "platform/kit/postgresql/*.py", "requirements-dev.txt",
)  # fmt: skip
"""What decides over what `provision` leaves behind."""
_ROLES = ("remit_test_owner", "remit_test_app", "remit_test_operator")


def make() -> None:
    """Drop what an earlier run left, and provision anew or take a copy of what another process provisioned."""
    if settings.KIND == "sqlite":
        _make_file()
    else:
        with psycopg.connect(settings.SUPERUSER, autocommit=True) as connection:
            # Test processes start together: roles and copies are the cluster's, so one makes them, the others wait.
            connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
            _make_database(connection)
            _hurry(connection)


def count_rows() -> None:
    """Let PostgreSQL know what its tables hold, as autovacuum does within a minute where an operator left it on."""
    if settings.KIND == "postgresql":
        with psycopg.connect(settings.SUPERUSER, dbname=settings.DATABASE, autocommit=True) as connection:
            connection.execute("ANALYZE")


def close() -> None:
    """Leave nothing open."""
    connections.close_all()


def _make_file() -> None:
    for file in settings.FOLDER.glob("remit.sqlite3*"):
        file.unlink()
    mine = settings.FOLDER / "remit.sqlite3"
    copy = Path(tempfile.gettempdir()) / f"{settings.FOLDER.name.partition('-sqlite')[0]}-{_digest()}.sqlite3"
    with _alone(copy.with_suffix(".lock")):
        if copy.exists():
            shutil.copyfile(copy, mine)
            return
        call_command("provision", verbosity=0)
        connections.close_all()  # The last one to leave writes all of it into the one file.
        shutil.copyfile(mine, copy.with_suffix(".new"))
        copy.with_suffix(".new").replace(copy)


def _make_database(connection: "psycopg.Connection[tuple[str]]") -> None:
    for role in _ROLES:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    copy = f"remit_test_copy_{_digest()}"
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(settings.DATABASE)))
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [copy]).fetchone():
        _copy(connection, copy, settings.DATABASE)
        return
    _copy(connection, "template1", settings.DATABASE)
    call_command("provision", verbosity=0, stdout=_Nowhere())
    connections.close_all()
    _drop_old_copies(connection)
    _copy(connection, settings.DATABASE, copy)


def _hurry(connection: "psycopg.Connection[tuple[str]]") -> None:
    """Let no commit wait for the disk: who kills PostgreSQL itself does it to a cluster of its own (tests/faults)."""
    words = sql.SQL("ALTER DATABASE {} SET synchronous_commit = off")
    connection.execute(words.format(sql.Identifier(settings.DATABASE)))


def _copy(connection: "psycopg.Connection[tuple[str]]", source: str, target: str) -> None:
    words = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER remit_test_owner")
    connection.execute(words.format(sql.Identifier(target), sql.Identifier(source)))


def _drop_old_copies(connection: "psycopg.Connection[tuple[str]]") -> None:
    made = "(pg_stat_file('base/' || oid || '/PG_VERSION')).modification"
    old = f"SELECT datname FROM pg_database WHERE datname ~ '^remit_test_copy_' AND {made} < now() - interval '1 day'"
    for (name,) in connection.execute(old).fetchall():
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def _digest() -> str:
    read = sorted(path for pattern in _READ for path in ROOT.glob(pattern))
    return hashlib.sha256(b"".join(path.read_bytes() for path in read)).hexdigest()[:12]


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class _Nowhere:
    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None: ...
