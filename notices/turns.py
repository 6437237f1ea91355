"""Whose turn it is to be told: decided by an UPDATE that one run wins, in the transaction that writes it down."""

from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet

from notices.models import Turn
from tenants import clock

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
ENDS_SOON, UNDECIDED = "ends-soon", "undecided"
KEPT = timedelta(days=60)
"""How long it is kept that an end, or that nobody has decided, was announced: it is over by then, or was begun anew."""


def take(name: str, about_id: str, *, now: datetime, before: datetime) -> bool:
    """Take the turn of something that was last told of before a moment, or never; False where another run has it."""
    Turn.objects.bulk_create([Turn(name=name, about_id=about_id, at=NEVER)], ignore_conflicts=True)
    return bool(Turn.objects.filter(name=name, about_id=about_id, at__lt=before).update(at=now))


def forget(now: datetime) -> int:
    """Remove what announced what came long ago; return how many."""
    return clock.forget(over(now))


def over(now: datetime) -> "QuerySet[Turn]":
    return Turn.objects.filter(name__in=(ENDS_SOON, UNDECIDED), at__lt=now - KEPT).order_by("at")
