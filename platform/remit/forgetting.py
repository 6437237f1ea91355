"""What is over and belongs to no tenant: sessions of people who did not come back."""

from datetime import datetime

from django.contrib.sessions.models import Session
from django.db.models import QuerySet

from tenants import clock


def forget_sessions(now: datetime) -> int:
    """Remove sessions that are over; return how many."""
    return clock.forget(over(now))


def over(now: datetime) -> "QuerySet[Session]":
    return Session.objects.filter(expire_date__lt=now).order_by("expire_date")
