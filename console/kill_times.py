"""How soon an end holds, resource by resource, as the pages say it before anybody ends something."""

from collections.abc import Iterable
from math import ceil
from typing import Any

from django.utils.translation import gettext, ngettext

from delegations.entry_names import resource_name
from tenants import directory
from tokens import receipts

SHOWN = 8


def within(seconds: int) -> str:
    """Say how long after an end a token may still be accepted, or "" where the end holds at once."""
    if 0 < seconds < 60:
        return ngettext("within %(n)s second", "within %(n)s seconds", seconds) % {"n": seconds}
    minutes = ceil(seconds / 60)
    return ngettext("within %(n)s minute", "within %(n)s minutes", minutes) % {"n": minutes} if minutes else ""


def kill_times(audiences: Iterable[str]) -> dict[str, Any]:
    """Return the resources of some audiences, the slowest first, each with how soon an end holds there; "" is at once.

    What is left off says the time of its slowest.
    """
    issuer = directory.current().issuer
    found = sorted(
        (-receipts.lag_at(audience), gettext("Sign-in") if audience == issuer else resource_name(audience))
        for audience in set(audiences)
    )
    places = [{"name": name, "within": within(-seconds)} for seconds, name in found]
    return {
        "places": places[:SHOWN],
        "more": len(places[SHOWN:]),
        "rest": places[SHOWN]["within"] if places[SHOWN:] else "",
    }
