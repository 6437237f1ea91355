"""Counting in the shared cache: how often something may happen within a while."""

from django.core.cache import cache


def count(key: str, *, limit: int, seconds: int) -> bool:
    """Count one more; False where it is one too many in the current while."""
    cache.add(key, 0, timeout=seconds)
    try:
        return bool(cache.incr(key) <= limit)
    except ValueError:
        return True  # The while ended between the two lines.


def take_back(key: str) -> None:
    """Uncount one."""
    try:
        cache.decr(key)
    except ValueError:
        return  # The while is over, and with it all that was counted.
