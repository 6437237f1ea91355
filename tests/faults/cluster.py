"""A PostgreSQL of the suite's own, which it may stop, fill and kill."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from tests import settings
from tests.harness import server

ROLES = {
    "REMIT_DATABASE_OWNER_URL": "remit_test_owner",
    "REMIT_DATABASE_URL": "remit_test_app",
    "REMIT_DATABASE_OPERATOR_URL": "remit_test_operator",
}
NAME = "remit_faults"
# Nothing here outlives the machine: what a killed process leaves in the kernel's hands is as good as on a disk.
OPTIONS = "-c fsync=off -c max_connections=120 -c shared_buffers=64MB -c autovacuum=on -c log_min_messages=fatal"
_GRACE = 30
_CUT = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s AND usename LIKE 'remit_test_%%'"
)


class Cluster:
    """A cluster in a folder of its own, on a port of its own, run by nobody who is root."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, server.free_port()
        self.log = folder / "postgresql.log"
        self._owner = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}

    def make(self) -> None:
        """Initialise, start, and provision as an operator does."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        if self._owner:
            os.chown(self.folder, *pwd.getpwnam("postgres")[2:4])
        self._run("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C")
        self.start()
        with self.superuser("postgres") as connection:
            for role in ROLES.values():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
            connection.execute(f"CREATE DATABASE {NAME} OWNER remit_test_owner")
        with self.chosen():
            call_command("provision", verbosity=0, stdout=_Nowhere())

    def start(self) -> None:
        options = f"{OPTIONS} -p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        self._run("pg_ctl", "start", "--wait", "--log", str(self.log), "--options", options)

    def stop(self, mode: str = "fast") -> None:
        """Stop it; `immediate` is a crash that the next start recovers from."""
        self._run("pg_ctl", "stop", "--wait", "--mode", mode)

    def end(self) -> None:
        """Stop it if it runs, and remove it."""
        with suppress(subprocess.CalledProcessError):
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def superuser(self, database: str = NAME) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
        url = f"postgresql://postgres@127.0.0.1:{self.port}/{database}"
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection

    def terminate(self) -> int:
        """Cut every connection of the product; return how many."""
        with self.superuser() as connection:
            found = connection.execute(_CUT, [NAME]).fetchone()
        return int(found[0]) if found else 0

    def environment(self, port: int = 0) -> dict[str, str]:
        """Return where children find it; with a port, through whatever listens there."""
        place = f"127.0.0.1:{port or self.port}/{NAME}"
        return {variable: f"postgresql://{role}@{place}" for variable, role in ROLES.items()}

    @contextmanager
    def chosen(self) -> Iterator[None]:
        """Let this process speak to this database, and to its own again after that."""
        connections.close_all()
        before = {alias: dict(connections.settings[alias]) for alias in connections.settings}
        for alias in connections.settings:
            connections.settings[alias].update(HOST="127.0.0.1", PORT=str(self.port), NAME=NAME)
        try:
            yield
        finally:
            connections.close_all()
            for alias, was in before.items():
                connections.settings[alias].update(was)

    def _run(self, program: str, *arguments: str) -> None:
        place = bindir() / program
        done = subprocess.run(
            [str(place), "-D", str(self.folder / "data"), *arguments],
            cwd="/", check=False, timeout=_GRACE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            **self._owner,
        )  # fmt: skip
        if done.returncode:
            sys.stderr.write(done.stderr)
            done.check_returncode()


def bindir() -> Path:
    """Return where PostgreSQL's own programs lie; raises LookupError where they do not."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not versions:
        raise LookupError("PostgreSQL's server programs are not here (Debian: apt-get install postgresql)")
    return versions[-1].parent


def folder() -> Path:
    """Return a folder of this process's own, short enough for the name of a socket."""
    return settings.FOLDER / "faults"


class _Nowhere:
    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None: ...
