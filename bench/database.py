"""Databases of a run: made before it, dropped after it, and the processes that serve them."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

SUPERUSER = os.environ.get("REMIT_TEST_POSTGRESQL_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
_LOCK = 7_203_115
_BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
_SHARED = "SELECT pid FROM pg_stat_activity WHERE backend_type IN ('walwriter', 'background writer', 'checkpointer')"


def url(database: str, role: str = "") -> str:
    """Return the URL of a database, for the superuser or for a role without a password."""
    place = urlsplit(SUPERUSER)
    where = f"{role}@{place.netloc.rpartition('@')[2]}" if role else place.netloc
    return f"postgresql://{where}/{database}"


@contextmanager
def alone() -> Iterator[bool]:
    """Say whether no other run uses this PostgreSQL: two would drop each other's databases, and share the cores."""
    with psycopg.connect(SUPERUSER, autocommit=True) as connection:
        yield connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK]).fetchone() == (True,)


@contextmanager
def fresh(name: str, roles: Sequence[str] = ()) -> Iterator[None]:
    """Make a database, owned by the first of the roles if there are any; drop all of them in the end."""
    with psycopg.connect(SUPERUSER, autocommit=True) as connection:
        _drop(connection, name, roles)
        for role in roles:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        owner = sql.SQL("OWNER {}").format(sql.Identifier(roles[0])) if roles else sql.SQL("")
        connection.execute(sql.SQL("CREATE DATABASE {} {}").format(sql.Identifier(name), owner))
        try:
            yield
        finally:
            _drop(connection, name, roles)


def settle(name: str) -> None:
    """Bring statistics up to date, as autovacuum does of a database that lives longer than a minute."""
    with psycopg.connect(url(name), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def backends(database: str) -> list[int]:
    """Return the processes that serve a database's clients."""
    with psycopg.connect(SUPERUSER, autocommit=True) as connection:
        return [pid for (pid,) in connection.execute(_BACKENDS, [database])]


def shared() -> list[int]:
    """Return the processes that write for all databases."""
    with psycopg.connect(SUPERUSER, autocommit=True) as connection:
        return [pid for (pid,) in connection.execute(_SHARED)]


def _drop(connection: "psycopg.Connection[tuple[object, ...]]", name: str, roles: Sequence[str]) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    for role in roles:
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))
