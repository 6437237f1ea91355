"""A delegation in words. Pages, mail, the ledger and the API all say it through this one function.

Pages and mail say it in their reader's language. What is kept says it in that of the ledger (`kept_sentence`).
"""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, ngettext

from delegations.models import Delegation
from kit.languages import plainly

_DAY = timedelta(days=1)


def sentence(delegation: Delegation, *, now: datetime, time_zone: str = "UTC") -> str:
    """Say who may do what, where, for whom and until when; the relations of `with_names()` are read."""
    facts = {
        "agent": delegation.agent.name if delegation.agent else delegation.client.name,
        "what": listed([in_a_sentence(title["title"]) for title in delegation.titles])
        or gettext("know who is signed in"),
        "where": place(delegation) or gettext("sign-in"),
        "whom": str(delegation.member) if delegation.member else "",
        "until": _until(delegation, now, time_zone),
    }
    return _frame(is_over=delegation.is_over(now), is_for_itself=delegation.member is None) % facts


def kept_sentence(delegation: Delegation, *, now: datetime) -> str:
    """Say it as the ledger keeps it, whatever language the person reads who makes it be written."""
    with plainly():
        return sentence(delegation, now=now)


def kept(delegation: Delegation, *, now: datetime) -> dict[str, Any]:
    """Return what an entry about a delegation keeps of it: its sentence, what it allows, and while it lives its end."""
    end = delegation.expires_at if delegation.ended_at is None else None
    until = {"until": end.isoformat()} if end else {}
    return {"sentence": kept_sentence(delegation, now=now), "scopes": list(delegation.scopes), **until}


def in_a_sentence(title: str) -> str:
    """Return a scope's title within a sentence: English begins no word there with a capital, other languages do."""
    return title.lower() if (get_language() or "").startswith("en") else title


def place(delegation: Delegation) -> str:
    """Return the name of where it may be done; a resource elsewhere is named by the server that guards it, or ""."""
    if delegation.elsewhere is not None:
        return delegation.elsewhere.name
    return delegation.resource_server.name if delegation.resource_server else ""


def stands_on(delegation: Delegation) -> str:
    """Say whose word it is where the person was not asked, or ""."""
    if delegation.origin == Delegation.Origin.ID_JAG and delegation.issuer is None:
        return gettext("Your organisation allowed this")
    if delegation.origin == Delegation.Origin.ID_JAG and delegation.issuer:
        return gettext("%(issuer)s allowed this") % {"issuer": delegation.issuer.name}
    if delegation.origin == Delegation.Origin.WORKLOAD and delegation.issuer:
        return gettext("%(issuer)s runs it") % {"issuer": delegation.issuer.name}
    return ""


def listed(words: list[str]) -> str:
    """Join words as people do: one, two and three."""
    if len(words) < 2:
        return "".join(words)
    return gettext("%(words)s and %(last)s") % {"words": ", ".join(words[:-1]), "last": words[-1]}


def in_words(moment: datetime | None, *, now: datetime, time_zone: str = "UTC") -> str:
    """Say when, seen from now: "in 6 days", "today at 18:00", "2 min ago", "no end date"."""
    if moment is None:
        return gettext("no end date")
    zone = ZoneInfo(time_zone)
    days = (moment.astimezone(zone).date() - now.astimezone(zone).date()).days
    if moment < now:
        return _ago(round((now - moment).total_seconds() / 60), -days)
    if days == 0:
        return gettext("today at %(time)s") % {"time": f"{moment.astimezone(zone):%H:%M}"}
    return gettext("tomorrow") if days == 1 else ngettext("in %(n)s day", "in %(n)s days", days) % {"n": days}


def clock_words(moment: datetime, *, now: datetime, time_zone: str) -> str:
    """Say until when a person's choice lasts, for a button: "until 18:00", "until midnight", "until 12 March"."""
    local = moment.astimezone(ZoneInfo(time_zone))
    if moment - now <= _DAY and local.time() == time():
        return gettext("until midnight")
    when = f"{local:%H:%M}" if moment - now <= _DAY else date_format(local, "MONTH_DAY_FORMAT")
    return gettext("until %(when)s") % {"when": when}


def _frame(*, is_over: bool, is_for_itself: bool) -> str:
    if is_over and is_for_itself:
        return gettext("%(agent)s could %(what)s at %(where)s for itself, %(until)s.")
    if is_over:
        return gettext("%(agent)s could %(what)s at %(where)s for %(whom)s, %(until)s.")
    if is_for_itself:
        return gettext("%(agent)s may %(what)s at %(where)s for itself, %(until)s.")
    return gettext("%(agent)s may %(what)s at %(where)s for %(whom)s, %(until)s.")


def _ago(minutes: int, days: int) -> str:
    if minutes < 1:
        return gettext("just now")
    if minutes < 60:
        return gettext("%(n)s min ago") % {"n": minutes}
    if days == 0:
        return gettext("%(n)s h ago") % {"n": minutes // 60}
    return gettext("yesterday") if days == 1 else ngettext("%(n)s day ago", "%(n)s days ago", days) % {"n": days}


def _until(delegation: Delegation, now: datetime, time_zone: str) -> str:
    if delegation.is_over(now):
        return gettext("which is over")
    if delegation.expires_at is None:
        return gettext("with no end date")
    local = delegation.expires_at.astimezone(ZoneInfo(time_zone))
    return gettext("until %(when)s") % {"when": date_format(local, gettext("j F Y, H:i"))}
