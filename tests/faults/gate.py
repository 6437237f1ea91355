"""A place in a transaction where whoever comes has to wait: there a process is killed, in the middle of what it does.

The gate is a trigger of this suite's own that asks for an advisory lock; the product knows nothing of it. Whoever waits
at it has written what stands before it in its transaction, and has committed nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.faults.cluster import Cluster
from tests.faults.processes import Process, until

_KEY = 7_203_116
_WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
_TURN_AWAY = _WAITING.replace("count(*)", "pg_terminate_backend(pid)")
_MAKE = """
CREATE OR REPLACE FUNCTION wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN PERFORM pg_advisory_xact_lock_shared({key}); RETURN {row}; END $$;
CREATE TRIGGER gate BEFORE {operation} ON {table} FOR EACH ROW {condition} EXECUTE FUNCTION wait_at_the_gate();
"""


@dataclass
class Gate:
    """A closed gate."""

    cluster: Cluster
    keeper: "psycopg.Connection[tuple[Any, ...]]"

    def await_visitor(self, *watched: Process, number: int = 1) -> None:
        """Wait until so many wait at it."""
        until(lambda: self._waiting() >= number, *watched)

    def turn_away(self) -> None:
        """End the connections of all who wait: a statement that stands alone would commit without its dead client."""
        self.keeper.execute(_TURN_AWAY, [_KEY])

    def open(self) -> None:
        """Let whoever waits go on, and all who come later."""
        self.keeper.execute("SELECT pg_advisory_unlock_all()")

    def _waiting(self) -> int:
        found = self.keeper.execute(_WAITING, [_KEY]).fetchone()
        return int(found[0]) if found else 0


@contextmanager
def closed(cluster: Cluster, operation: str, table: str, condition: str = "") -> Iterator[Gate]:
    """Close a gate before rows of a table are written; `condition` says before which (`NEW.event = …`)."""
    when = f"WHEN ({condition})" if condition else ""
    with cluster.superuser() as keeper:
        keeper.execute("SELECT pg_advisory_lock(%s)", [_KEY])
        keeper.execute(_MAKE.format(key=_KEY, row="NEW", operation=operation, table=table, condition=when))
        gate = Gate(cluster, keeper)
        try:
            yield gate
        finally:
            gate.open()
            keeper.execute(f"DROP TRIGGER gate ON {table}")
