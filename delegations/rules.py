"""Judgements about authority: pure, and never wider than what they start from."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from delegations.errors import DelegationOver, DelegationWidened
from delegations.models import Delegation
from kit.oauth import OFFLINE_ACCESS

UNDO = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Duration:
    """One answer to "For how long?"."""

    value: str
    label: str
    ends_at: datetime


def attenuate(parent: Delegation, scopes: frozenset[str], *, now: datetime) -> frozenset[str]:
    """Return `scopes` if `parent` is alive and holds them all; raises DelegationOver or DelegationWidened."""
    if parent.is_over(now):
        raise DelegationOver(parent.pk)
    if wider := scopes - parent.scope_set:
        raise DelegationWidened(f"{parent.pk}: {' '.join(sorted(wider))}")
    return scopes


def permits(delegation: Delegation, *, audience: str, scopes: frozenset[str], now: datetime) -> bool:
    """Say whether a delegation allows these scopes at this audience now. No scope means no."""
    return (
        not delegation.is_over(now)
        and delegation.audience == audience
        and bool(scopes)
        and scopes <= delegation.scope_set
    )


def durations(now: datetime, *, time_zone: str, longest_days: int) -> list[Duration]:
    """Return the choices of how long, as the page lists them, within the tenant's limit."""
    local = now.astimezone(ZoneInfo(time_zone))
    midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    choices = [
        Duration("hour", "1 hour", now + timedelta(hours=1)),
        Duration("today", "Today", midnight),
        Duration("week", "7 days", now + timedelta(days=7)),
        Duration("month", "30 days", now + timedelta(days=30)),
    ]
    latest = now + timedelta(days=longest_days)
    return [choice for choice in choices if choice.ends_at <= latest] or choices[:1]


def default_duration(choices: Iterable[Duration], scopes: frozenset[str], *, at_least: datetime | None) -> Duration:
    """Return the shortest choice that fits: a week where work goes on offline, and not less than what holds already.

    "Today" is not proposed when it ends before the shortest choice: a minute before midnight nobody means a minute.
    """
    listed = list(choices)
    wanted = "week" if OFFLINE_ACCESS in scopes else "today"
    usual = next((choice for choice in listed if choice.value == wanted), listed[-1])
    needed = max(listed[0].ends_at, usual.ends_at, at_least or usual.ends_at)
    return min((choice for choice in listed if choice.ends_at >= needed), key=_ends_at, default=listed[-1])


def may_undo(delegation: Delegation, *, by: str, now: datetime) -> bool:
    """Say whether this person ended it less than ten minutes ago."""
    return delegation.ended_at is not None and delegation.ended_by == by and now - delegation.ended_at <= UNDO


def _ends_at(choice: Duration) -> datetime:
    return choice.ends_at
