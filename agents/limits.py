"""What an approval limits: how much an agent may get, for whom, for how long each time, and until when at all.

Every later consent, exchange, grant and refresh is cut to it. None says nothing; empty allows nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypedDict

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from agents.errors import BadLimits, Unusable
from agents.models import Agent
from tenants.directory import current, resource_server
from tenants.models import Membership
from trust.models import Audience

SHORTEST = timedelta(minutes=5)
FURTHEST = timedelta(days=5 * 366)
MOST_PEOPLE = 200
KINDS = ("members", "groups")


class Said(TypedDict, total=False):
    """Some of it, as an admin says it; what is not said stays."""

    ceiling: Mapping[str, Iterable[str]] | None
    people: Mapping[str, list[str]] | None
    longest: timedelta | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Limits:
    """The whole of it, as an approver said it."""

    ceiling: Mapping[str, Iterable[str]] | None
    people: Mapping[str, list[str]] | None = None
    longest: timedelta | None = None
    until: datetime | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """Return it as an approval keeps it."""
        seconds = int(self.longest.total_seconds()) if self.longest is not None else None
        return {"ceiling": self.ceiling, "people": self.people, "longest_seconds": seconds, "until": self.until}

    @property
    def of_agent(self) -> dict[str, Any]:
        """Return it as an agent keeps it."""
        columns = self.columns
        until = columns.pop("until")
        return {**columns, "approved_until": until}

    def told(self) -> dict[str, list[str] | str | int]:
        """Return it for the ledger; what says nothing is left out."""
        ceiling = self.ceiling
        words = ["none"] if ceiling is None else [f"{resource}: {' '.join(ceiling[resource])}" for resource in ceiling]
        told: dict[str, list[str] | str | int] = {"ceiling": words}
        for kind in KINDS if self.people is not None else ():
            told[kind] = list((self.people or {}).get(kind, ()))
        if self.longest is not None:
            told["longest_seconds"] = int(self.longest.total_seconds())
        if self.until is not None:
            told["until"] = self.until.isoformat()
        return told


def kept_by(agent: Agent) -> Limits:
    """Return the limits that an agent has."""
    longest = timedelta(seconds=agent.longest_seconds) if agent.longest_seconds is not None else None
    return Limits(agent.ceiling, agent.people, longest, agent.approved_until)


def judged(limits: Limits, *, now: datetime) -> Limits:
    """Return limits in order, where all of them can hold; raises BadLimits with a word for each that cannot."""
    named = {
        "people": _flaw_of_people(limits.people),
        "longest": _flaw_of_longest(limits.longest),
        "until": _flaw_of_until(limits.until, now),
    }
    if flaws := {name: flaw for name, flaw in named.items() if flaw}:
        raise BadLimits(flaws)
    ceiling, people = limits.ceiling, limits.people
    return Limits(
        None if ceiling is None else {resource: sorted(set(scopes)) for resource, scopes in ceiling.items()},
        None if people is None else {kind: sorted(set(people.get(kind, ()))) for kind in KINDS},
        limits.longest,
        limits.until,
    )


def changed(before: Limits, said: Said, *, now: datetime) -> Limits:
    """Return limits as they are once some of them are said anew; raises BadLimits or Unusable.

    What stays as it was is not judged again: whoever left, or a moment that came near, stands in nobody's way.
    """
    new: dict[str, Any] = {name: value for name, value in said.items() if value != getattr(before, name)}
    ceiling = bound(said["ceiling"], before.ceiling) if "ceiling" in new else before.ceiling
    rest = judged(Limits(None, new.get("people"), new.get("longest"), new.get("until")), now=now)
    kept = {name: getattr(rest if name in new else before, name) for name in ("people", "longest", "until")}
    return Limits(ceiling, **kept)


def bound(
    said: Mapping[str, Iterable[str]] | None, beside: Mapping[str, Iterable[str]] | None = None
) -> dict[str, list[str]] | None:
    """Return a ceiling in order; raises Unusable for what no resource has, here or where grants are issued for.

    What is so already, in `beside`, stays as it is: a resource that was retired may come back.
    """
    if said is None:
        return None
    kept = {resource: sorted(set(scopes)) for resource, scopes in said.items()}
    for resource, scopes in kept.items():
        if scopes == (beside or {}).get(resource):
            continue
        known = _scopes_of(resource)
        if known is None:
            raise Unusable(_("No resource here is called %(resource)s.") % {"resource": resource[:200]})
        if unknown := set(scopes) - known:
            named = {"resource": resource[:200], "scope": min(unknown)[:100]}
            raise Unusable(_("%(resource)s has no scope called %(scope)s.") % named)
    return kept


def _scopes_of(resource: str) -> frozenset[str] | None:
    protected = resource_server(resource)
    if protected is not None:
        return frozenset(protected.scopes)
    elsewhere = [each.resources for each in Audience.objects.filter(is_enabled=True)]
    known = [frozenset(each[resource]) for each in elsewhere if resource in each]
    return frozenset().union(*known) if known else None


def _flaw_of_people(people: Mapping[str, list[str]] | None) -> str:
    if people is None:
        return ""
    members, groups = set(people.get("members", ())), set(people.get("groups", ()))
    if not members | groups:
        return _("Say for whom: at least one person or group. Or leave it to whoever allows it.")
    if len(members | groups) > MOST_PEOPLE:
        return _("Name at most %(most)s people and groups; a group may hold any number of people.") % {
            "most": MOST_PEOPLE
        }
    known = set(_active().filter(pk__in=members).values_list("pk", flat=True))
    if unknown := members - known:
        return _("Nobody of this organisation has this id: %(words)s.") % {"words": ", ".join(sorted(unknown))[:200]}
    held = {group for named in _active().exclude(groups=[]).values_list("groups", flat=True) for group in named}
    if groups and (unknown := groups - held):
        return _("Nobody is in this group: %(words)s.") % {"words": ", ".join(sorted(unknown))[:200]}
    return ""


def _flaw_of_longest(longest: timedelta | None) -> str:
    most = timedelta(days=current().longest_delegation_days)
    if longest is None or SHORTEST <= longest <= most:
        return ""
    return _("A delegation lasts from 5 minutes to %(days)s days here.") % {"days": most.days}


def _flaw_of_until(until: datetime | None, now: datetime) -> str:
    if until is None or now + SHORTEST <= until <= now + FURTHEST:
        return ""
    return _("An approval ends in the future, and within five years. Or leave its end open.")


def _active() -> "QuerySet[Membership]":
    return Membership.objects.filter(status=Membership.Status.ACTIVE)
