"""Which resource servers introspect, and when last: noted beside the answer, once a minute for each.

It is what says whether a server that should ask each time does. A failure to note is never a failure to answer.
"""

from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError
from django.db.models import Q

from agents.models import Client
from kit.caching import TtlCache
from tenants.models import ResourceServer

EVERY = timedelta(minutes=1)
_noted: TtlCache[str, bool] = TtlCache(ttl=EVERY.total_seconds())
_log = structlog.get_logger("tokens.askers")


def note(caller: Client, *, now: datetime) -> None:
    """Keep in mind that the resource server of a client asked about a token, whatever the answer was."""
    server = caller.resource_server_id
    if server is not None:
        _noted.get(server, lambda: _write(server, now))


def forget_all() -> None:
    """Drop what this process keeps."""
    _noted.clear()


def _write(server: str, now: datetime) -> bool:
    earlier = Q(asked_at=None) | Q(asked_at__lte=now - EVERY)
    try:
        ResourceServer.objects.filter(earlier, pk=server).update(asked_at=now)
    except DatabaseError:
        _log.warning("an introspection was not noted", exc_info=True)
    return True
