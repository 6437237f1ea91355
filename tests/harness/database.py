"""A fresh database for one test process, made as an operator makes one: roles, then `provision`."""

import psycopg
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from tests import settings

_LOCK = 7_203_114


def make() -> None:
    """Drop what an earlier run left, and provision anew."""
    if settings.KIND == "sqlite":
        for file in settings.FOLDER.glob("remit.sqlite3*"):
            file.unlink()
        call_command("provision", verbosity=0)
        return
    with psycopg.connect(settings.SUPERUSER, autocommit=True) as connection:
        # Test processes start together: roles are the cluster's, so one makes them while the others wait.
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        for role in ("remit_test_owner", "remit_test_app", "remit_test_operator"):
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        database = sql.Identifier(settings.DATABASE)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER remit_test_owner").format(database))
        call_command("provision", verbosity=0, stdout=_Nowhere())


def close() -> None:
    """Leave nothing open."""
    connections.close_all()


class _Nowhere:
    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None: ...
