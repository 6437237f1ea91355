"""The verbs of sign-ins: kept when somebody comes in, listed for them, ended by them, forgotten with their session.

A sign-in is over when its session is: the rows here say where a person is signed in, and decide nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from audit.events import Event
from audit.ledger import record
from audit.principals import Principal
from kit import browsers, sealing
from kit.addresses import network
from tenants import clock
from tenants.errors import NotActive
from tenants.models import Membership, User
from tenants.sign_in import SignIn

KEPT = "sign_in"
"""Under which name a session says which sign-in it is of."""
MOST = 100
"""Sign-ins that a person sees, the latest first."""


def keep(member: Membership, key: str, *, user_agent: str, address: str) -> SignIn:
    """Keep that somebody signed in, in the transaction that is open; `key` is that of their session."""
    browser, system = browsers.read(user_agent)
    return SignIn.objects.create(
        member=member,
        sealed_key=sealing.seal(key.encode(), settings.SEALING_KEYS),
        browser=browser,
        system=system,
        network=network(address),
        ends_at=timezone.now() + timedelta(seconds=settings.SESSION_COOKIE_AGE),
    )


def of(member: Membership) -> "QuerySet[SignIn]":
    """Return a member's sign-ins, the latest first; sessions of some may be over."""
    return SignIn.objects.filter(member=member).order_by("-created_at", "-pk")


def living(member: Membership, *, now: datetime) -> list[SignIn]:
    """Return the member's sign-ins by which somebody is let in now, the latest first."""
    rows = list(of(member)[:MOST])
    sessions = _sessions(rows, now)
    return [row for row in rows if row.pk in sessions and _lets_in(sessions[row.pk], row, member.user)]


@transaction.atomic
def end(sign_in: SignIn, *, by: Principal) -> None:
    """End a sign-in: its browser's next request has to sign in. Raises NotActive for one that is over."""
    if not _remove([sign_in]):
        raise NotActive(sign_in.pk)
    detail = {"browser": sign_in.browser, "system": sign_in.system, "network": sign_in.network}
    record(Event.SIGN_IN_ENDED, by=by, about=sign_in.member, detail=detail)


@transaction.atomic
def end_others(member: Membership, current: str, *, by: Principal) -> int:
    """End all sign-ins of a member but one; return how many went on until now. Nothing is written of none."""
    ended = _remove(_held(member, but=current))
    if ended:
        record(Event.SIGN_INS_ENDED, by=by, about=member, detail={"ended": ended})
    return ended


def end_all(member: Membership) -> None:
    """End every sign-in of a member who loses their place, in the transaction that is open."""
    _remove(_held(member))


def forget_one(sign_in_id: str) -> None:
    """Forget a sign-in whose session is ended by its own browser."""
    SignIn.objects.filter(pk=sign_in_id).delete()


def due(now: datetime) -> "QuerySet[SignIn]":
    return SignIn.objects.filter(ends_at__lt=now).order_by("ends_at")


def forget(now: datetime, *, batch: int = clock.BATCH, most: int = clock.MOST) -> int:
    """Forget sign-ins of the current tenant whose session is over; return how many.

    A session that was written since goes on for longer: its sign-in has its turn again when it ends.
    """
    forgotten = 0
    for _ in range(most):
        found = list(due(now)[:batch])
        sessions = _sessions(found, now)
        with transaction.atomic():
            for row in found:
                if row.pk in sessions:
                    SignIn.objects.filter(pk=row.pk).update(ends_at=sessions[row.pk].expire_date)
            forgotten += SignIn.objects.filter(pk__in=[row.pk for row in found if row.pk not in sessions]).delete()[0]
        if len(found) < batch:
            break
    return forgotten


def _held(member: Membership, *, but: str = "") -> list[SignIn]:
    """Hold a member's sign-ins, in one order: two that end all wait for each other."""
    return list(SignIn.objects.select_for_update().filter(member=member).exclude(pk=but).order_by("pk"))


def _remove(rows: list[SignIn]) -> int:
    """Remove sign-ins and their sessions; return how many sessions there were."""
    keys = _keys(rows)
    gone, _ = SignIn.objects.filter(pk__in=list(keys)).delete()
    return Session.objects.filter(pk__in=list(keys.values())).delete()[0] if gone else 0


def _sessions(rows: Iterable[SignIn], now: datetime) -> Mapping[str, Session]:
    keys = _keys(rows)
    found = Session.objects.filter(expire_date__gt=now).in_bulk(list(keys.values()))
    return {pk: found[key] for pk, key in keys.items() if key in found}


def _keys(rows: Iterable[SignIn]) -> dict[str, str]:
    """Return the keys of the sessions; those that no sealing key opens any more are left out."""
    opened = {}
    for row in rows:
        try:
            opened[row.pk] = sealing.unseal(row.sealed_key, settings.SEALING_KEYS).decode()
        except sealing.CannotOpen:
            continue
    return opened


def _lets_in(session: Session, row: SignIn, user: User) -> bool:
    """Say whether a session is still of this sign-in, and of a password that was not changed since."""
    said = session.get_decoded()
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    is_theirs = said.get(KEPT) == row.pk and said.get(SESSION_KEY) == str(user.pk)
    return is_theirs and any(constant_time_compare(said.get(HASH_SESSION_KEY, ""), each) for each in hashes)
