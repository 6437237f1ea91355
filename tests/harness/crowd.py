"""Many at once: threads that start together, each with database connections of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connections

from kit import context

Result = TypeVar("Result")


def at_once(count: int, action: Callable[[int], Result], *, tenant: context.HasId | None = None) -> list[Result]:
    """Run `action` for 0 … count-1 in threads that start together inside a tenant; return what they returned."""
    start = Barrier(count)

    def run(number: int) -> Result:
        start.wait()
        try:
            with context.use(tenant):
                return action(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def meanwhile(action: Callable[[], Result], *, tenant: context.HasId | None = None) -> Result:
    """Run `action` in another thread, over connections of its own, and wait until it is done."""
    return at_once(1, lambda _: action(), tenant=tenant)[0]
