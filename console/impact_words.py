"""What a verb on an agent reaches, as a person reads it before they decide."""

from datetime import datetime
from typing import Any

from delegations.sentence import in_words
from tokens.impact import Impact, Reached


def impact_words(impact: Impact, *, now: datetime, time_zone: str) -> dict[str, Any]:
    """Return an impact as the part `ui/impact.html` shows it."""
    return {
        "people": impact.people,
        "named": [name for _, name in impact.named],
        "more_people": impact.people - len(impact.named),
        "delegations": impact.delegations,
        "tokens": impact.tokens,
        "helpers": impact.helpers,
        "servers": [_server(each, now=now, time_zone=time_zone) for each in impact.servers],
    }


def _server(reached: Reached, *, now: datetime, time_zone: str) -> dict[str, Any]:
    late = in_words(reached.until, now=now, time_zone=time_zone) if reached.until else ""
    return {
        "name": reached.name,
        "resource": reached.resource if reached.resource != reached.name else "",
        "delegations": reached.delegations,
        "tokens": reached.tokens,
        "until": reached.until,
        "until_words": late,
    }
