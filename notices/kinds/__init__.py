"""The kinds of notices: of which events, to whom, in which words. A new kind is a `Kind` and a line here."""

from collections.abc import Mapping

from notices.kinds import agents, approvals, calendar, delegations, people, smaller, trust, webhooks
from notices.kinds.kind import Kind, Words

__all__ = ["REGISTRY", "Kind", "Words", "of_event"]

REGISTRY: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        approvals.WAITING,
        approvals.ASSIGNED,
        approvals.ASKED,
        approvals.DECIDED,
        approvals.UNDECIDED,
        delegations.ACTS_FOR_YOU,
        delegations.ASKED_TO_RENEW,
        delegations.ENDED_BY_OTHERS,
        smaller.NARROWED_BY_OTHERS,
        approvals.STILL_WAITING,
        calendar.ENDS_SOON,
        calendar.GONE_QUIET,
        agents.REFUSED_OFTEN,
        agents.SECRET_AGES,
        agents.STILL_NEEDED,
        people.ROLE_CHANGED,
        people.ROLE_ENDS_SOON,
        people.FACTORS_CHANGED,
        webhooks.SWITCHED_OFF,
        trust.KEYS_SWAPPED,
    )
}
_BY_EVENT = {event.value: [kind for kind in REGISTRY.values() if event in kind.events]
             for kind in REGISTRY.values() for event in kind.events}  # fmt: skip
EVENTS = frozenset(_BY_EVENT)
"""The names of events that anybody is told of."""


def of_event(event: str) -> list[Kind]:
    """Return the kinds that tell of an event."""
    return _BY_EVENT.get(event, [])
