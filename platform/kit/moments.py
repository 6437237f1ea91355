"""A moment as people write it in a filter (a date, a date with a time, or a distance from now: `7d`, `12h`) or a
database as text."""

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy

_DISTANCE = re.compile(r"(\d{1,4})([hdw])", re.ASCII)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
NO_MOMENT = gettext_lazy("Write a date (2026-12-31), or how far from now (7d, 12h).")


def parse(text: str, *, now: datetime, is_ahead: bool) -> datetime:
    """Return the moment that a text says; a bare distance lies ahead or behind. Raises ValueError, or OverflowError for
    one that is in no year of UTC, in which databases are asked.
    """
    if found := _DISTANCE.fullmatch(text):
        distance = int(found[1]) * _UNITS[found[2]]
        return now + distance if is_ahead else now - distance
    if moment := parse_datetime(text):
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if day := parse_date(text):
        return datetime.combine(day, time(), tzinfo=UTC)
    raise ValueError("no moment")


class AheadField(forms.Field):
    """A moment, whose bare distance lies ahead of now."""

    is_ahead = True

    def to_python(self, value: object) -> datetime | None:
        text = str(value or "").strip()
        if not text:
            return None
        try:
            return parse(text, now=timezone.now(), is_ahead=self.is_ahead)
        except (ValueError, OverflowError) as error:
            raise ValidationError(NO_MOMENT, code="no_moment") from error


class AgoField(AheadField):
    """A moment, whose bare distance lies behind now."""

    is_ahead = False


def end_of_day(text: str, zone: ZoneInfo) -> datetime:
    """Return the end of a day that is written as 2026-12-31, in a time zone; raises ValueError."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=zone) + timedelta(days=1)
    except OverflowError as error:
        raise ValueError("no day") from error


def of_database(text: str) -> datetime:
    """Return a moment that a database wrote as text: SQLite says no zone, and means UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
