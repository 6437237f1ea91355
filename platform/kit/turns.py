"""How many fetches are under way in one process: some for what the product needs, a few for what somebody looks at."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from kit.targets import Unfetchable

AT_ONCE = 8
"""A further one is refused, so that slow hosts cannot take every thread."""
ASIDE = 2
"""Those whose host somebody chose in order to look: they take no turn of the others."""
_turns, _turns_aside = threading.BoundedSemaphore(AT_ONCE), threading.BoundedSemaphore(ASIDE)
_is_aside: ContextVar[bool] = ContextVar("is_aside", default=False)


@contextmanager
def aside() -> Iterator[None]:
    """Let what is fetched within the block take turns of its own: issuers' keys never wait for what it asks."""
    token = _is_aside.set(True)
    try:
        yield
    finally:
        _is_aside.reset(token)


@contextmanager
def taken() -> Iterator[None]:
    """Hold a turn for the block; raises Unfetchable where none is free."""
    turns = _turns_aside if _is_aside.get() else _turns
    if not turns.acquire(blocking=False):
        raise Unfetchable("too many fetches are under way")
    try:
        yield
    finally:
        turns.release()
