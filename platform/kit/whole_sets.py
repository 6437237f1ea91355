"""Statements over thousands of rows, planned alike whatever PostgreSQL knows of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def joined() -> Iterator[None]:
    """Have the statements in here join whole sets with each other, in the transaction that is open.

    Of a tenant that is new since the last ANALYZE the planner expects one row, and goes through all of that tenant's
    rows for each of them: minutes for ten thousand. Joined by hashes they are read once. Small statements gain nothing
    by it, and lose.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
    yield
    # Whoever leaves by an error rolls it back.
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")
