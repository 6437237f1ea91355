"""How long PostgreSQL may think about statements that a page can do without."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let each statement of the block end with an OperationalError after so long; SQLite knows no such limit.

    What the role has otherwise comes back after the block.
    """
    if not settings.IS_POSTGRESQL:
        yield
        return
    _say(f"SET statement_timeout = {round(seconds * 1000)}")
    try:
        yield
    finally:
        with suppress(InterfaceError, OperationalError):  # A connection that broke took the limit with it.
            _say("RESET statement_timeout")


def _say(text: str) -> None:
    # To the driver's own connection: like BEGIN and COMMIT it frames statements, and asks nothing.
    connection.ensure_connection()
    with connection.wrap_database_errors:
        connection.connection.execute(text)
