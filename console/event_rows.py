"""Entries of the ledger as the pages' parts want them: who did what, for whom and through which agent."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from audit.events import REFUSALS
from audit.models import Entry
from audit.principals import Kind
from console.proof_words import in_words
from delegations import entry_names
from delegations.entry_names import Known
from delegations.event_words import words


def event_rows(entries: Sequence[Entry], zone: ZoneInfo) -> list[dict[str, Any]]:
    """Return entries with the names of what and whom they are about, in one query however many they are."""
    known = entry_names.of(entries)
    return [_row(each, zone, known) for each in entries]


def _row(entry: Entry, zone: ZoneInfo, known: Mapping[str, Known]) -> dict[str, Any]:
    at, who = entry.at.astimezone(zone), entry.principal_label or entry.principal_id
    whom, through = (known[key].name if key in known else key for key in (entry.on_behalf_of, entry.through))
    about = entry_names.about(entry, known)
    # Whoever did it themselves, for themselves, is not named twice.
    return {
        "id": entry.pk,
        "at": at,
        "day": at.date(),
        "who": who,
        "kind": entry.principal_kind,
        "words": words(entry.event),
        "event": entry.event,
        "about": "" if about == who else about,
        "what": entry_names.what(entry, known),
        "proof": in_words(entry.proof) if entry.principal_kind == Kind.USER else "",
        "is_refusal": entry.event.endswith(".refused"),
        "reason": entry.reason,
        "for_whom": whom if entry.on_behalf_of != entry.principal_id else "",
        "through": through if through not in {entry.principal_id, who} and through not in about else "",
        "request_id": entry.request_id,
        "has_why": entry.event in REFUSALS,
    }
