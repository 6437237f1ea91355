"""A delegation in words. Pages, the ledger and the API all say it through this one function."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from delegations.models import Delegation

_DAY = timedelta(days=1)


def sentence(delegation: Delegation, *, now: datetime, time_zone: str = "UTC") -> str:
    """Say who may do what, where, for whom and until when; the relations of `with_names()` are read."""
    actor = delegation.agent.name if delegation.agent else delegation.client.name
    where = delegation.resource_server.name if delegation.resource_server else "sign-in"
    what = listed([title["title"].lower() for title in delegation.titles]) or "know who is signed in"
    whom = f" for {delegation.member}" if delegation.member else " for itself"
    verb = "could" if delegation.is_over(now) else "may"
    return f"{actor} {verb} {what} at {where}{whom}, {_until(delegation, now, time_zone)}."


def listed(words: list[str]) -> str:
    """Join words as people do: one, two and three."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def in_words(moment: datetime | None, *, now: datetime, time_zone: str = "UTC") -> str:
    """Say when, seen from now: "in 6 days", "today at 18:00", "2 min ago", "no end date"."""
    if moment is None:
        return "no end date"
    zone = ZoneInfo(time_zone)
    days = (moment.astimezone(zone).date() - now.astimezone(zone).date()).days
    if moment < now:
        return _ago(round((now - moment).total_seconds() / 60), -days)
    if days == 0:
        return f"today at {moment.astimezone(zone):%H:%M}"
    return "tomorrow" if days == 1 else f"in {days} days"


def clock_words(moment: datetime, *, now: datetime, time_zone: str) -> str:
    """Say until when a person's choice lasts, for a button: "until 18:00", "until midnight", "until 12 March"."""
    local = moment.astimezone(ZoneInfo(time_zone))
    if moment - now <= _DAY and local.time() == time():
        return "until midnight"
    return f"until {local:%H:%M}" if moment - now <= _DAY else f"until {local.day} {local:%B}"


def _ago(minutes: int, days: int) -> str:
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if days == 0:
        return f"{minutes // 60} h ago"
    return "yesterday" if days == 1 else f"{days} days ago"


def _until(delegation: Delegation, now: datetime, time_zone: str) -> str:
    if delegation.is_over(now):
        return "which is over"
    if delegation.expires_at is None:
        return "with no end date"
    return f"until {delegation.expires_at.astimezone(ZoneInfo(time_zone)):%-d %B %Y, %H:%M}"
