"""A wire between the product and its database that can be cut where it hurts: around a COMMIT."""

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum

COMMIT = b"COMMIT"


class Cut(StrEnum):
    """Where the wire is cut."""

    NOWHERE = "nowhere"
    BEFORE_COMMIT = "between the last statement and its commit"
    AFTER_COMMIT = "after the commit, before its answer"


@dataclass
class Wire:
    """What the test sets, and what was cut."""

    target: int
    cut: Cut = Cut.NOWHERE
    left: int = 0
    """How many more connections are to be cut."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    port: int = 0

    def may_cut(self, where: Cut) -> bool:
        with self.lock:
            if self.cut is not where or not self.left:
                return False
            self.left -= 1
            return True

    def carry(self, client: socket.socket) -> None:
        """Carry bytes both ways until one side is gone or the wire is cut."""
        with (
            suppress(OSError),
            client,
            socket.create_connection(("127.0.0.1", self.target)) as database,
            selectors.DefaultSelector() as both,
        ):
            both.register(client, selectors.EVENT_READ, database)
            both.register(database, selectors.EVENT_READ, client)
            while all(self._pass_on(key.fileobj, key.data, client) for key, _ in both.select()):
                pass

    def _pass_on(self, source: socket.socket, sink: socket.socket, client: socket.socket) -> bool:
        told = source.recv(65536)
        if not told:
            return False
        is_commit = source is client and COMMIT in told
        if is_commit and self.may_cut(Cut.BEFORE_COMMIT):
            return False
        sink.sendall(told)
        if is_commit and self.may_cut(Cut.AFTER_COMMIT):
            sink.recv(65536)  # The answer came, and nobody gets it.
            return False
        return True


@contextmanager
def to(port: int) -> Iterator[Wire]:
    """Give a wire to a database's port; its threads end with the connections that they carry."""
    wire = Wire(port)
    with socket.create_server(("127.0.0.1", 0)) as door:
        wire.port = door.getsockname()[1]
        accepting = threading.Thread(target=_accept, args=(door, wire), daemon=True)
        accepting.start()
        try:
            yield wire
        finally:
            door.shutdown(socket.SHUT_RDWR)
            accepting.join(timeout=5)


def _accept(door: socket.socket, wire: Wire) -> None:
    with suppress(OSError):
        while True:
            client, _ = door.accept()
            threading.Thread(target=wire.carry, args=(client,), daemon=True).start()
