"""Which errors mean that the database cannot do it now, and that asking again is right."""

from django.db import DatabaseError, InterfaceError, OperationalError

RETRY_AFTER = "2"
"""Seconds, for `Retry-After` (RFC 9110 §10.2.3)."""
_NOT_NOW = frozenset(
    {
        "25006",  # read-only: it is on its way to being the first of two again
        "25P03",  # it closed a transaction that stood still for too long
    }
)


def is_outage(error: BaseException | None) -> bool:
    """Say whether a database that is away, full, read-only or overloaded is the reason, and not what was asked."""
    if isinstance(error, OperationalError | InterfaceError):
        return True
    return isinstance(error, DatabaseError) and getattr(error.__cause__, "sqlstate", "") in _NOT_NOW
