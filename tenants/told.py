"""What the ledger says of a person: what was done for them, and with their place. Theirs to read, whatever their role.

Entries of tokens that were issued for them are the most by far, and stand in no index of people: whoever wants them
gets those of a week (`delegations.event_filters.OwnEventFilter`).
"""

import copy
from typing import Any

from django.db.models import Q, QuerySet

from audit import export
from audit.models import Entry
from tenants.models import Membership

COLUMNS = tuple(name for name in export.COLUMNS if name != "detail")
"""What is noted beside is for those who look after everybody."""


def of(member: Membership) -> "QuerySet[Entry]":
    """Return what was done for a member, and with their place; nobody else's."""
    return Entry.objects.filter(Q(on_behalf_of=member.pk) | Q(about_kind="membership", about_id=member.pk))


def as_read_by(member: Membership, entry: Entry) -> Entry:
    """Return an entry without what is somebody else's: from where and how surely others acted, and why on their place.

    A reason that others gave for a change of a person's place was written for those who look after the tenant.
    """
    if entry.principal_id == member.pk:
        return entry
    read = copy.copy(entry)
    read.network, read.proof, read.proved_at = "", "", None
    if entry.about_kind == "membership":
        read.reason = ""
    return read


def row(member: Membership, entry: Entry) -> dict[str, Any]:
    """Return an entry as a line of a person's own file."""
    said = export.written(as_read_by(member, entry))
    return {name: said[name] for name in COLUMNS}
