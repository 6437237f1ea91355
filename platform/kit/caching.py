"""A small in-process cache with a short life: what the hot path would otherwise ask the database each time.

An entry may be stale for `ttl` seconds. That is safe only where the statement that writes checks the version of what
was cached (`tokens.issuer`); nothing else may rely on it.
"""

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class TtlCache(Generic[Key, Value]):
    """Maps keys, which start with the tenant's id, to values for `ttl` seconds; absent values are never kept."""

    def __init__(self, *, ttl: float, limit: int = 4096) -> None:
        self._entries: dict[Key, tuple[float, Value]] = {}
        self._ttl = ttl
        self._limit = limit

    def get(self, key: Key, load: Callable[[], Value | None]) -> Value | None:
        """Return the kept value, else what `load` returns."""
        now = time.monotonic()
        kept = self._entries.get(key)
        if kept is not None and kept[0] > now:
            return kept[1]
        value = load()
        if value is None:
            self._entries.pop(key, None)
            return None
        if len(self._entries) >= self._limit:
            self._entries.clear()
        self._entries[key] = (now + self._ttl, value)
        return value

    def forget(self, key: Key) -> None:
        """Drop one entry."""
        self._entries.pop(key, None)

    def clear(self) -> None:
        """Drop every entry."""
        self._entries.clear()
