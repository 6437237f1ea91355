"""Taking back, within ten minutes, that a delegation was made smaller: the limits of before, also of its parts.

Nothing is wider afterwards than what it hangs on is by now, or than what is allowed by now. What somebody decided about
in between stays as they decided.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from agents.models import Agent
from agents.models.agent import earliest
from audit.events import Event
from audit.principals import Principal
from delegations import lines
from delegations.actions import hang, note
from delegations.errors import AsItWas, TooLateToUndo
from delegations.models import Delegation
from delegations.narrowing import EMPTIED
from delegations.rules import Bounds, bounds, may_put_back, within
from kit import context, statements
from tenants import directory
from tenants.errors import Stale
from tenants.models import Scope

_COPIED = (
    "subject", "member_id", "agent_id", "client_id", "resource_server_id", "audience", "constraints", "origin",
    "consent_id", "depth", "helpers", "elsewhere_id", "issuer_id", "foreign_act", "foreign_delegation", "withheld",
    "shortened_by", "narrowed_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Back:
    """A delegation as it was found, and how much of it there is again; `anew` is the one that was made for it."""

    found: Delegation
    now: Bounds
    anew: Delegation | None = None

    @property
    def given(self) -> frozenset[str]:
        """Scopes that it did not hold a moment ago."""
        return self.now.scopes - (self.found.scope_set if self.anew is None else frozenset())


@dataclass(frozen=True, slots=True)
class Allowed:
    """What is allowed at a moment, of what some delegations are about."""

    at: datetime
    longest: timedelta
    """For how long a person may allow anything."""
    agents: Mapping[str, Agent]
    served: Mapping[str, frozenset[str]]
    """Scopes by resource server."""

    @classmethod
    def by_now(cls, now: datetime, longest: timedelta, delegations: Sequence[Delegation]) -> "Allowed":
        servers = {each.resource_server_id for each in delegations if each.resource_server_id}
        served: dict[str, set[str]] = defaultdict(set)
        living = Scope.objects.filter(resource_server__in=servers, resource_server__retired_at=None)
        for server_id, name in living.values_list("resource_server", "name"):
            served[server_id].add(name)
        agents = Agent.objects.in_bulk({each.agent_id for each in delegations if each.agent_id})
        return cls(now, longest, agents, {key: frozenset(names) for key, names in served.items()})


Account = Callable[[Sequence[Back]], Mapping[str, Any]]


@transaction.atomic
def put_back(delegation: Delegation, *, by: Principal, version: int | None, account: Account) -> tuple[Back, ...]:
    """Give a delegation, and what was cut with it, the limits of before; return what that did.

    `version` is the one that the caller read, None is whatever there is; `account` is what the ledger keeps beside it.
    Raises TooLateToUndo, Stale, or AsItWas where nothing of what was taken is allowed by now.
    """
    now, longest = timezone.now(), _longest()
    above = lines.hold(delegation.line[1:])
    found = Delegation.objects.select_related("issuer").get(pk=delegation.pk)
    if version is not None and version != found.version:
        raise Stale(found)
    if not may_put_back(found, by=by.id, now=now) or any(_moved(each, found, now) for each in above):
        raise TooLateToUndo(found.pk)
    allowed = Allowed.by_now(now, longest, [found])
    again = _again(found, above[0] if above else None, allowed)
    if again == bounds(found):
        raise AsItWas(_("Nothing of what was taken is allowed by now."))
    # Of two who take it back, or one who takes back while somebody makes it smaller still, one comes first.
    as_read = Delegation.objects.filter(pk=found.pk, version=found.version, ended_at=None)
    if not as_read.update(**_written(found, again), cut=None, version=F("version") + 1):
        raise TooLateToUndo(found.pk)
    done = (Back(found, again), *_parts(found, again, above, allowed))
    note(Event.DELEGATION_PUT_BACK, found, by=by, detail=account(done))
    return done


def _moved(above: Delegation, found: Delegation, now: datetime) -> bool:
    """Say whether something that a delegation hangs on is over, or was made smaller after it was."""
    is_later = above.narrowed_at is not None and found.cut_at is not None and above.narrowed_at > found.cut_at
    return above.is_over(now) or is_later


def _written(found: Delegation, again: Bounds) -> dict[str, Any]:
    kept = found.cut or {}
    before = frozenset(found.scopes_before or ())
    # What is not allowed by now stays taken away: it does not come back by itself where it is allowed again.
    withheld = frozenset(kept["withheld"]) | (before - again.scopes)
    is_whole = again.expires_at == found.ends_before
    return {
        "scopes": sorted(again.scopes),
        "expires_at": again.expires_at,
        "withheld": sorted(withheld),
        "shortened_by": kept["shortened_by"] if is_whole else found.shortened_by,
        "narrowed_at": parse_datetime(kept["narrowed_at"]) if kept["narrowed_at"] else None,
    }


def _again(found: Delegation, parent: Delegation | None, allowed: Allowed) -> Bounds:
    """Return the limits of before, as far as what is above and what is said by now allows them."""
    was = copy(found)
    was.scopes, was.expires_at = found.scopes_before or [], found.ends_before
    left = bounds(was)
    if parent is not None:
        left = within(was, parent, bounds(parent), directory.downstream(parent.audience, was.audience))
    scopes, agent = left.scopes, allowed.agents.get(str(found.agent_id))
    if found.resource_server_id is not None:
        scopes &= allowed.served.get(found.resource_server_id, frozenset())
    if agent is not None:
        scopes = agent.under_ceiling(found.audience, scopes)
    if found.issuer is not None:
        scopes &= found.issuer.opens(found.audience) if found.issuer.is_enabled else frozenset()
    ends = earliest(
        left.expires_at, agent.latest_end(allowed.at) if agent is not None else None, _tenants_end(found, allowed)
    )
    return Bounds(scopes | found.scope_set, _later(ends, found.expires_at))


def _tenants_end(found: Delegation, allowed: Allowed) -> datetime | None:
    """Return how long a person may allow anything by now; what is handed on ends with what it hangs on."""
    if found.origin != Delegation.Origin.CONSENT or found.depth:
        return None
    return allowed.at + allowed.longest


def _longest() -> timedelta:
    """Return the tenant's limit, and let nobody change it until the commit."""
    text = "SELECT longest_delegation_days FROM tenants_tenant WHERE id = %s"
    held = statements.every(f"{text}{' FOR SHARE' if statements.is_postgresql() else ''}", [context.require_id()])
    return timedelta(days=held[0][0])


def _later(ends: datetime | None, held: datetime | None) -> datetime | None:
    return None if ends is None or held is None else max(ends, held)


def _parts(root: Delegation, again: Bounds, above: Sequence[Delegation], allowed: Allowed) -> list[Back]:
    """Put back what was cut with a delegation and is as that left it; make anew what ended for it."""
    known = {root.pk: _as_it_is(root, again, (root, *above))}
    same = Delegation.objects.filter(ancestry__ancestor=root.pk).select_related("issuer")
    found = list(same.select_for_update(no_key=True, of=("self",)).order_by("depth", "pk"))
    allowed = Allowed.by_now(allowed.at, allowed.longest, found)
    done: list[Back] = []
    for part in found:
        parent = known.get(str(part.parent_id))
        if parent is None:
            continue  # It hangs on what ended, and stays so.
        back = _back(part, parent, root.cut_at, allowed)
        if back is not None:
            done.append(back)
        if back is None and part.ended_at is not None:
            continue
        standing = back.anew if back is not None and back.anew is not None else part
        known[part.pk] = _as_it_is(standing, back.now if back else bounds(part), (standing, *parent.line))
    _write(each for each in done if each.anew is None)
    return done


def _as_it_is(delegation: Delegation, limits: Bounds, line: tuple[Delegation, ...]) -> Delegation:
    """Return a delegation as it is now, which knows its line."""
    standing = copy(delegation)
    standing.scopes, standing.expires_at = sorted(limits.scopes), limits.expires_at
    standing.line = line
    return standing


def _back(part: Delegation, parent: Delegation, at: datetime | None, allowed: Allowed) -> Back | None:
    """Return what becomes of a part, or None where nothing does: it was not cut then, or something happened since."""
    if part.cut_at != at or part.cut_version != part.version or (part.ended_at and part.ended_reason != EMPTIED):
        return None
    if part.ended_at is None:
        limits = _again(part, parent, allowed)
        return Back(part, limits) if limits != bounds(part) else None
    over = copy(part)
    over.scopes, over.expires_at = [], part.ends_before
    limits = _again(over, parent, allowed)
    is_over = limits.expires_at is not None and limits.expires_at <= allowed.at
    return Back(part, limits, _anew(part, parent, limits)) if limits.scopes and not is_over else None


def _anew(part: Delegation, parent: Delegation, limits: Bounds) -> Delegation:
    """Make a part anew that ended because nothing was left of it; the tokens of the old one stay dead."""
    kept = {name: getattr(part, name) for name in _COPIED}
    made = Delegation.objects.create(
        **kept,
        parent_id=parent.pk,
        scopes=sorted(limits.scopes),
        expires_at=limits.expires_at,
        restored_from=part,
    )
    hang(made, parent.line)
    return made


def _write(backs: Iterable[Back]) -> None:
    alike: dict[Bounds, list[str]] = defaultdict(list)
    for back in backs:
        alike[back.now].append(back.found.pk)
    for limits, ids in alike.items():
        Delegation.objects.filter(pk__in=ids).update(
            scopes=sorted(limits.scopes), expires_at=limits.expires_at, version=F("version") + 1
        )
