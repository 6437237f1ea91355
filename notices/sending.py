"""Sending what waits: each notice is claimed by an UPDATE that one run wins, and sent at least once.

The mail server is asked outside of every transaction. Whoever dies between its answer and our row sends again, under
the same Message-ID. A server that cannot be reached costs one attempt of one notice in each run; one that does not
know a reader costs that reader's.
"""

import random
from datetime import datetime, timedelta
from smtplib import SMTPException, SMTPRecipientsRefused

import structlog
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F

from audit.models import Entry
from kit import languages
from notices import kinds, mail
from notices.models import Notice
from tenants.directory import current
from tenants.models import Membership, Tenant

BATCH = 100
CLAIM = timedelta(minutes=10)
FIRST, LONGEST = timedelta(minutes=1), timedelta(hours=6)
MOST_ATTEMPTS = 9
"""Over about a day."""
_log = structlog.get_logger("notices.sending")


class _ServerAway(Exception):
    """The mail server takes nothing from anybody just now."""


def send_due(now: datetime) -> int:
    """Send what is due in the current tenant, up to a batch; return how many were sent."""
    if current().status != Tenant.Status.ACTIVE:
        return 0
    due = Notice.objects.filter(state=Notice.State.WAITING, next_try_at__lte=now)
    waiting = list(due.select_related("recipient__user", "tenant").order_by("next_try_at", "pk")[:BATCH])
    connection, sent = get_connection(), 0
    for notice in waiting:
        if not _claim(notice, now):
            continue  # Another run has it.
        try:
            sent += _send(notice, connection, now) == Notice.State.SENT
        except _ServerAway:
            break  # It is the same for the others: their turn comes.
    connection.close()
    return sent


def pause_before(attempt: int) -> timedelta:
    """Return how long to wait after an attempt that failed: longer each time, and never together with others."""
    longest = min(FIRST.total_seconds() * 3 ** (attempt - 1), LONGEST.total_seconds())
    return timedelta(seconds=random.uniform(longest / 2, longest))  # noqa: S311 - It spreads load, and keeps no secret.


def _claim(notice: Notice, now: datetime) -> bool:
    mine = Notice.objects.filter(pk=notice.pk, state=Notice.State.WAITING, attempts=notice.attempts)
    claimed = mine.filter(next_try_at__lte=now).update(attempts=F("attempts") + 1, next_try_at=now + CLAIM)
    notice.attempts += 1
    return bool(claimed)


def _send(notice: Notice, connection: BaseEmailBackend, now: datetime) -> str:
    """Send one notice that is claimed, write down what came of it, and return that; raises _ServerAway."""
    made = _made(notice, connection)
    if made is None:
        return _write(notice, Notice.State.MOOT)
    try:
        made.send()
    except SMTPRecipientsRefused as error:
        # Not known, or not now: no word about anybody else. It is tried again all the same: a relay that is set up
        # wrongly says so too, of everybody.
        return _later(notice, now, error)
    except (SMTPException, OSError) as error:
        _later(notice, now, error)
        raise _ServerAway from error
    return _write(notice, Notice.State.SENT, sent_at=now)


def _later(notice: Notice, now: datetime, error: Exception) -> str:
    """Put off a notice that was not taken, or give it up; return which."""
    # What a server says of an address names it: the log has its code alone.
    codes = [code for code, _ in error.recipients.values()] if isinstance(error, SMTPRecipientsRefused) else str(error)
    _log.warning("not sent", notice=notice.pk, attempt=notice.attempts, reason=f"{type(error).__name__}: {codes}")
    if notice.attempts >= MOST_ATTEMPTS:
        return _write(notice, Notice.State.GIVEN_UP)
    return _write(notice, Notice.State.WAITING, next_try_at=now + pause_before(notice.attempts))


def _made(notice: Notice, connection: BaseEmailBackend) -> EmailMultiAlternatives | None:
    """Return the mail of a notice in its reader's language, or None where there is nothing to tell any more."""
    kind, entry = kinds.REGISTRY.get(notice.kind), Entry.objects.filter(pk=notice.entry_id).first()
    if kind is None or entry is None or not _is_here(notice.recipient):
        return None
    with languages.reading(notice.recipient.user.reads or current().language):
        words = kind.words(entry, notice.recipient)
        return mail.message(notice, words, connection) if words else None


def _is_here(member: Membership) -> bool:
    return member.status == Membership.Status.ACTIVE and member.user.is_active


def _write(notice: Notice, state: Notice.State, **fields: datetime) -> str:
    """Write what came of a claim, where it still is ours."""
    mine = Notice.objects.filter(pk=notice.pk, state=Notice.State.WAITING, attempts=notice.attempts)
    mine.update(state=state, **fields)
    return state.value
