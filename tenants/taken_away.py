"""Scopes that were taken away: what the ledger kept of each, so that it can be put back as it was.

A scope that is gone is a row less, so that nothing which asks for scopes has to know of it. What it said stands in the
entry of its end, and what people allowed with it in their delegations: both count again once it is back.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from audit.events import Event
from audit.ledger import JsonValue
from audit.models import Entry
from tenants.actions import ScopeWords
from tenants.models import ResourceServer, Scope

KEPT = timedelta(days=30)
"""As an agent that was ended."""
SHOWN = 20
_NAMES = frozenset(field.name for field in fields(ScopeWords)) - {"name"}


@dataclass(frozen=True, slots=True)
class Taken:
    """A scope as it was, where it stood among the others, when it was taken away and by whom."""

    words: ScopeWords
    position: int
    at: datetime
    by: str


def kept(scope: Scope) -> dict[str, JsonValue]:
    """Return what the entry of its end says of a scope; no limit is 0."""
    said = {name: getattr(scope, name) for name in sorted(_NAMES)}
    return {"scope": scope.name, **said, "longest_seconds": scope.longest_seconds or 0, "position": scope.position}


def of_resource(server: ResourceServer, *, now: datetime, there: Iterable[str]) -> list[Taken]:
    """Return the scopes that can be put back at a resource server, the latest first; those that are `there` cannot."""
    ends = Entry.objects.filter(
        about_kind=server._meta.model_name, about_id=server.pk, event=Event.SCOPE_RETIRED, at__gt=now - KEPT
    )
    found: dict[str, Taken] = {}
    for entry in ends.order_by("-pk")[: 5 * SHOWN]:
        # An entry from before there was a way back says a name and a title alone.
        if "position" in entry.detail:
            found.setdefault(entry.detail["scope"], _read(entry))
    gone = set(found) - set(there)
    return [taken for name, taken in found.items() if name in gone][:SHOWN]


def of_name(server: ResourceServer, name: str, *, now: datetime) -> Taken | None:
    """Return how a scope can be put back at a resource server, or None."""
    return next((each for each in of_resource(server, now=now, there=()) if each.words.name == name), None)


def _read(entry: Entry) -> Taken:
    said = {name: entry.detail[name] for name in _NAMES if name in entry.detail}
    said["longest_seconds"] = said.get("longest_seconds") or None
    words = ScopeWords(name=entry.detail["scope"], **said)
    return Taken(words, entry.detail["position"], entry.at, entry.principal_label)
