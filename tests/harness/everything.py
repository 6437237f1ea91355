"""All that a thief of the database would hold: every row of every table, as text."""

import psycopg
from django.contrib.sessions.models import Session
from django.db import connection

from tests import settings


def rows() -> dict[str, list[str]]:
    """Return the rows of every table, past every lock; sessions as they are stored and as they decode."""
    names = connection.introspection.table_names()
    if settings.KIND == "sqlite":
        with connection.cursor() as cursor:
            found = {name: [str(row) for row in cursor.execute(f'SELECT * FROM "{name}"').fetchall()] for name in names}
    else:
        with psycopg.connect(f"{settings.SUPERUSER.rpartition('/')[0]}/{settings.DATABASE}") as superuser:
            found = {name: [str(row) for row in superuser.execute(f'SELECT * FROM "{name}"')] for name in names}
    found["sessions, decoded"] = [str(session.get_decoded()) for session in Session.objects.all()]
    return found


def tables_with(word: str, found: dict[str, list[str]]) -> set[str]:
    """Return the tables in which a word stands."""
    return {name for name, lines in found.items() if any(word in line for line in lines)}
