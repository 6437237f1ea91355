"""Django's PostgreSQL engine, with the tenant of row-level security set before the first statement that needs it.

The value is a session setting, because pages run many statements outside of transactions. It is therefore forgotten,
and set again when next needed, at check-out of a connection and at every rollback: a setting that a rolled-back
transaction made is undone by PostgreSQL, and one that outlived its borrower would leak to the next.
"""

from typing import Any

import psycopg
from django.db.backends.postgresql import base

from kit import context

_UNKNOWN = object()
_LETS_GO = "SET idle_in_transaction_session_timeout = '30s'; SET client_connection_check_interval = '2s'"
"""A process that hangs in a transaction would keep its locks from whoever takes its work over; and for one that was
killed, PostgreSQL would go on with its statement to the end, at everybody's cost.
"""


class DatabaseWrapper(base.DatabaseWrapper):
    """Sets `remit.tenant` for the application role; an alias with OPERATOR in its settings is left alone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tenant_there: object = _UNKNOWN
        self._is_operator = bool(self.settings_dict.get("OPERATOR"))

    def create_cursor(self, name: str | None = None) -> Any:
        """Return a cursor of a connection that knows the current tenant."""
        self._know_the_tenant()
        return super().create_cursor(name)

    def prepared(self) -> Any:
        """Return a cursor whose statements PostgreSQL plans once for each connection (`kit.statements`).

        Django's own cursor puts the values into the text, so that each statement is a new one and is planned anew.
        """
        if self.connection is None:
            self.ensure_connection()
        self.validate_thread_sharing()
        with self.wrap_database_errors:
            self._know_the_tenant()
            cursor = psycopg.Cursor(self.connection)
        # Django's wrapper counts for tests and logs; it costs as much as the statement.
        return self._prepare_cursor(cursor) if self.queries_logged or self.execute_wrappers else cursor  # type: ignore[attr-defined]

    def _know_the_tenant(self) -> None:
        wanted = context.current_id()
        if not self._is_operator and self._tenant_there != wanted:
            self._tell(wanted)

    def _tell(self, tenant_id: str) -> None:
        cursor = super().create_cursor()
        wrapped = self.make_debug_cursor(cursor) if self.queries_logged else self.make_cursor(cursor)
        # Unknown until PostgreSQL has said yes: a statement that was cancelled leaves the tenant before.
        self._tenant_there = _UNKNOWN
        with wrapped:
            wrapped.execute("SELECT set_config('remit.tenant', %s, false)", [tenant_id])
        self._tenant_there = tenant_id

    def init_connection_state(self) -> None:
        super().init_connection_state()
        self.connection.execute(_LETS_GO)

    def connect(self) -> None:
        self._tenant_there = _UNKNOWN
        super().connect()

    def close(self) -> None:
        self._tenant_there = _UNKNOWN
        super().close()

    def _rollback(self) -> Any:
        self._tenant_there = _UNKNOWN
        return super()._rollback()  # type: ignore[misc]  # Not in the stubs.

    def _savepoint_rollback(self, sid: str) -> None:
        # A transaction that an error broke takes this one statement only: nothing may be told before it.
        self._tenant_there = context.current_id()
        try:
            super()._savepoint_rollback(sid)  # type: ignore[misc]  # Not in the stubs.
        finally:
            self._tenant_there = _UNKNOWN
