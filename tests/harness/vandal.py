"""Hands that the product does not have: a superuser's on PostgreSQL, anybody's on SQLite."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection

from tests import settings


def run(*statements: str) -> None:
    """Send statements past every lock, in one transaction."""
    if settings.KIND == "sqlite":
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        return
    url = settings.SUPERUSER.rpartition("/")[0] + f"/{settings.DATABASE}"
    with psycopg.connect(url) as superuser:
        for statement in statements:
            superuser.execute(statement)


@contextmanager
def refusing_entries() -> Iterator[None]:
    """Make the database refuse every new entry of the ledger."""
    if settings.KIND == "sqlite":
        refuse = "BEGIN SELECT RAISE(ABORT, 'no more entries'); END"
        before, after = f"CREATE TRIGGER full BEFORE INSERT ON audit_entry {refuse}", "DROP TRIGGER full"
    else:
        before = "REVOKE INSERT ON audit_entry FROM remit_test_app"
        after = "GRANT INSERT ON audit_entry TO remit_test_app"
    run(before)
    try:
        yield
    finally:
        run(after)


@contextmanager
def unreadable(table: str) -> Iterator[None]:
    """Let nobody read a table."""
    if settings.KIND == "sqlite":
        before, after = f"ALTER TABLE {table} RENAME TO away", f"ALTER TABLE away RENAME TO {table}"
    else:
        before, after = f"REVOKE SELECT ON {table} FROM remit_test_app", f"GRANT SELECT ON {table} TO remit_test_app"
    run(before)
    try:
        yield
    finally:
        run(after)
