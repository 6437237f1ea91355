"""How often the API is asked: by one caller, and in one tenant by all of them, in each minute of the clock.

A caller is whom a token speaks for, through which client: a fresh token is the same caller. It is counted in the shared
cache, so that processes count together (`REMIT_CACHE_URL`), and before anything is read for the request or written.
"""

import time

import structlog
from django.conf import settings
from redis.exceptions import RedisError

from api.errors import TooOften
from kit import context
from tokens.endpoints import throttle
from tokens.models import AccessToken

WHILE = 60
_log = structlog.get_logger("api.limits")


def check(token: AccessToken) -> None:
    """Count a request of a caller; raises TooOften. A caller over their own limit does not use up the tenant's."""
    now = time.time()
    minute, tenant = int(now // WHILE), context.require_id()
    counted = {
        f"api:{tenant}:{token.subject}:{token.client_id}:{minute}": settings.API_REQUESTS_PER_MINUTE,
        f"api:{tenant}:{minute}": settings.TENANT_API_REQUESTS_PER_MINUTE,
    }
    try:
        is_within = all(throttle.count(key, limit=limit, seconds=2 * WHILE) for key, limit in counted.items())
    except RedisError as error:
        # Whoever counts is away. That is no reason to answer nobody.
        _log.warning("not counted", reason=f"{type(error).__name__}: {error}")
        return
    if not is_within:
        raise TooOften(WHILE - int(now % WHILE))
