"""By which credential a client came, first and last: noted after what it got, once a minute for each.

A failure to note is never a failure to answer; and what is refused leaves nothing here.
"""

from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError

from agents.assertions import Evidence
from agents.models import Client, CredentialStory
from kit import context, statements
from kit.caching import TtlCache

EVERY = timedelta(minutes=1)
_noted: TtlCache[tuple[str, str, str], bool] = TtlCache(ttl=EVERY.total_seconds())
_log = structlog.get_logger("agents.uses")
_NOTE = (
    f"INSERT INTO {CredentialStory._meta.db_table} AS story "
    "(tenant_id, client_id, credential, first_used_at, last_used_at) VALUES (%s, %s, %s, %s, %s) "
    "ON CONFLICT (tenant_id, client_id, credential) DO UPDATE SET last_used_at = excluded.last_used_at, "
    "first_used_at = COALESCE(story.first_used_at, excluded.first_used_at)"
)


def note(client: Client, evidence: Evidence, *, now: datetime) -> None:
    """Keep in mind that an agent's client got something with the credential that it proved itself by."""
    credential = evidence.credential or evidence.thumbprint
    if credential and client.agent_id:
        _noted.get((context.require_id(), client.pk, credential), lambda: _write(client, credential, now))


def forget_all() -> None:
    """Drop what this process keeps."""
    _noted.clear()


def _write(client: Client, credential: str, now: datetime) -> bool:
    moment = statements.written_moment(now)
    try:
        statements.changed(_NOTE, [context.require_id(), client.pk, credential, moment, moment])
    except DatabaseError:
        _log.warning("the use of a credential was not noted", exc_info=True)
    return True
