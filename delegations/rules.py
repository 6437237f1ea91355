"""Judgements about authority: pure, and never wider than what they start from."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from agents.models import Client
from agents.models.agent import earliest
from delegations.errors import AsItWas, DelegationOver, DelegationWidened, NotHandedOn, NothingLeft, NoWayThere
from delegations.models import Delegation
from kit.oauth import OFFLINE_ACCESS
from tenants.models import CHOICES, Downstream, ResourceServer, Tenant

UNDO = timedelta(minutes=10)
RENEWABLE = timedelta(days=2)
"""How long before its end a page offers to renew what a person allowed, in the second half of its life."""


@dataclass(frozen=True, slots=True)
class Duration:
    """One answer to "For how long?"."""

    value: str
    label: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """What somebody took away of a part: scopes, and all that is later than an end that they set (`by`)."""

    scopes: frozenset[str] = frozenset()
    until: datetime | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Handing:
    """That an agent asks for part of what another holds: from which delegation, for whom, where, and how much."""

    parent: Delegation
    to: Client
    server: ResourceServer
    held: frozenset[str]
    """Scopes of the token that was presented: nobody gets more of a delegation than they were shown."""
    asked: frozenset[str]
    """Empty asks for all that can be had."""
    edge: Downstream | None
    """The way from the parent's resource to another one."""
    is_named: bool
    """Whether an admin lets the parent's agent hand part of its authority to this one."""
    is_called: bool
    """Whether the agent serves the very resource that the presented token is for."""
    kept_here: frozenset[str]
    """What stays with whoever was allowed it, at the parent's resource: no other agent gets anything for it."""
    kept_there: frozenset[str]
    """The same at `server`."""
    taken: Taken = Taken()  # It is frozen.
    """What somebody took away of the part that it is about."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a delegation for another agent: what `attenuate` allows, and `actions.hand_on` makes."""

    parent: Delegation
    client: Client
    resource_server: ResourceServer
    scopes: frozenset[str]
    expires_at: datetime | None
    taken: Taken = Taken()


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of a delegation there is: scopes, and an end; None is no end."""

    scopes: frozenset[str]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Limits:
    """What somebody wants a delegation to be at most; None leaves the scopes or the end as they are."""

    scopes: frozenset[str] | None = None
    expires_at: datetime | None = None


def lessen(delegation: Delegation, limits: Limits, *, now: datetime) -> Bounds:
    """Return what is left of a delegation within limits that are never wider or longer than what it has.

    Raises DelegationOver, DelegationWidened, NothingLeft or AsItWas.
    """
    for above in delegation.line:
        if above.is_over(now):
            raise DelegationOver(above.pk)
    had = bounds(delegation)
    left = Bounds(
        had.scopes if limits.scopes is None else limits.scopes,
        had.expires_at if limits.expires_at is None else limits.expires_at,
    )
    if wider := left.scopes - had.scopes:
        named = {"scopes": " ".join(sorted(wider))[:200]}
        raise DelegationWidened(_("It does not hold %(scopes)s: only the person can allow more.") % named)
    if had.expires_at is not None and left.expires_at is not None and left.expires_at > had.expires_at:
        raise DelegationWidened(_("It ends before that: only the person can allow it for longer."))
    if not left.scopes or (left.expires_at is not None and left.expires_at <= now):
        raise NothingLeft(_("Nothing of it would be left: end it instead."))
    if left == had:
        raise AsItWas(_("It is as small as that already."))
    return left


def within(part: Delegation, parent: Delegation, above: Bounds, edge: Downstream | None) -> Bounds:
    """Return what is left of a part under a parent that has these bounds; `edge` is the way from its resource there."""
    if part.audience == parent.audience:
        opened = above.scopes
    else:
        opened = edge.opens(above.scopes) if edge is not None else frozenset()
    return Bounds(part.scope_set & opened, earliest(part.expires_at, above.expires_at))


def bounds(delegation: Delegation) -> Bounds:
    """Return how much of a delegation there is."""
    return Bounds(delegation.scope_set, delegation.expires_at)


def attenuate(handing: Handing, tenant: Tenant, *, now: datetime) -> Part:
    """Return the part that may be handed on: the only way to a delegation below another.

    Scopes are parent ∩ presented ∩ asked ∩ the agent's ceiling, without what was taken away of it and what stays where
    it was allowed; the end is the earliest of the line.

    Raises DelegationOver, NotHandedOn, NoWayThere or DelegationWidened.
    """
    parent, to = handing.parent, handing.to
    for above in parent.line:
        if above.is_over(now):
            raise DelegationOver(above.pk)
    _check_chain(handing, tenant)
    if handing.taken.until is not None and handing.taken.until <= now:
        raise NotHandedOn(f"the end that was set to what {to.agent_id} had of {parent.pk} came")
    offered = _under_ceiling(to, handing.server, _offered(handing)) - handing.taken.scopes - handing.kept_there
    if not _is_agreed(handing, tenant):
        raise NotHandedOn(f"nobody lets {parent.agent_id} hand part of {parent.pk} to {to.agent_id}")
    if wider := handing.asked - offered:
        raise DelegationWidened(f"{parent.pk}: {' '.join(sorted(wider))[:200]}")
    if not (scopes := handing.asked or offered):
        raise DelegationWidened(f"{parent.pk} opens nothing at {handing.server.identifier}")
    own = to.agent.latest_end(now) if to.agent is not None else None
    ends = earliest(own, handing.taken.until, *(above.expires_at for above in parent.line))
    return Part(parent, to, handing.server, scopes, ends, handing.taken)


def may_receive(parent: Delegation, tenant: Tenant, agents: frozenset[str]) -> frozenset[str]:
    """Return which of these agents, whom an admin named, a part may be handed to."""
    if parent.depth >= tenant.deepest_chain or tenant.handing_on == Tenant.Handing.OFF:
        return frozenset()
    root = parent.line[-1]
    agreed = agents if _needs_no_consent(root, tenant) else agents & frozenset(root.helpers)
    return agreed - {root.subject} - {above.agent_id for above in parent.line}


def still_stands(
    part: Delegation, parent: Delegation, tenant: Tenant, *, is_named: bool, edge: Downstream | None
) -> bool:
    """Say whether the words by which a part was made still stand: the handover or the edge, and the consent."""
    if tenant.handing_on == Tenant.Handing.OFF:
        return False
    if part.audience != parent.audience and edge is None:
        return False
    agents = frozenset({str(part.agent_id)})
    if is_named and may_receive(parent, tenant, agents):
        return True
    return edge is not None and part.client.resource_server_id == parent.resource_server_id


def _check_chain(handing: Handing, tenant: Tenant) -> None:
    parent, to = handing.parent, handing.to
    if to.agent_id is None or parent.agent_id is None:
        raise NotHandedOn("authority is handed on by agents, to agents")
    if to.agent_id in {parent.line[-1].subject, *(above.agent_id for above in parent.line)}:
        raise NotHandedOn(f"{to.agent_id} is in the chain already")
    if parent.depth >= tenant.deepest_chain:
        raise NotHandedOn(f"{parent.pk} is {parent.depth} deep already")


def _is_agreed(handing: Handing, tenant: Tenant) -> bool:
    """Say whether the person's consent or the tenant's policy names this handing on."""
    if tenant.handing_on == Tenant.Handing.OFF:
        return False
    if handing.is_called and handing.edge is not None:
        return True  # The edge is an admin's word that this resource reaches that one for its callers.
    agent_id = handing.to.agent_id
    return handing.is_named and agent_id in may_receive(handing.parent, tenant, frozenset({str(agent_id)}))


def _needs_no_consent(root: Delegation, tenant: Tenant) -> bool:
    # An admin's own word needs no second one.
    return tenant.handing_on == Tenant.Handing.POLICY or root.origin == Delegation.Origin.ADMIN


def _offered(handing: Handing) -> frozenset[str]:
    held = handing.held & handing.parent.scope_set
    if handing.server.identifier == handing.parent.audience:
        return held
    if handing.edge is None:
        raise NoWayThere(f"{handing.parent.audience} → {handing.server.identifier}")
    # A server that is called reaches what is behind it in its caller's turn: what it is called with stays there.
    return handing.edge.opens(held if handing.is_called else held - handing.kept_here)


def _under_ceiling(to: Client, server: ResourceServer, scopes: frozenset[str]) -> frozenset[str]:
    return to.agent.under_ceiling(server.identifier, scopes) if to.agent is not None else frozenset()


def permits(delegation: Delegation, *, audience: str, scopes: frozenset[str], now: datetime) -> bool:
    """Say whether a delegation allows these scopes at this audience now. No scope means no."""
    return (
        not delegation.is_over(now)
        and delegation.audience == audience
        and bool(scopes)
        and scopes <= delegation.scope_set
    )


def durations(
    now: datetime,
    *,
    time_zone: str,
    longest_days: int,
    latest: datetime | None = None,
    offered: Collection[str] = CHOICES,
) -> list[Duration]:
    """Return the choices of how long, as the page lists them, within the tenant's limit and the agent's (`latest`).

    Of those that the tenant has `offered`; where all of them are too long, of all that there are. Where the agent's own
    limit lies between two of them it is a choice as well, the last one.
    """
    local = now.astimezone(ZoneInfo(time_zone))
    midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    choices = [
        Duration("hour", _("1 hour"), now + timedelta(hours=1)),
        Duration("today", _("Today"), midnight),
        Duration("week", _("7 days"), now + timedelta(days=7)),
        Duration("month", _("30 days"), now + timedelta(days=30)),
    ]
    tenants = now + timedelta(days=longest_days)
    short = [choice for choice in choices if choice.ends_at <= tenants]
    within = [choice for choice in short if choice.value in offered] or short or choices[:1]
    if latest is None or all(choice.ends_at <= latest for choice in within):
        return within
    most = Duration("most", _("As long as it may"), latest)
    return [*(choice for choice in within if choice.ends_at <= latest), most]


def default_duration(choices: Iterable[Duration], scopes: frozenset[str], *, at_least: datetime | None) -> Duration:
    """Return the shortest choice that fits: a week where work goes on offline, and not less than what holds already.

    "Today" is not proposed when it ends before the shortest choice: a minute before midnight nobody means a minute.
    """
    listed = list(choices)
    wanted = "week" if OFFLINE_ACCESS in scopes else "today"
    usual = next((choice for choice in listed if choice.value == wanted), listed[-1])
    needed = max(listed[0].ends_at, usual.ends_at, at_least or usual.ends_at)
    return min((choice for choice in listed if choice.ends_at >= needed), key=_ends_at, default=listed[-1])


def may_undo(delegation: Delegation, *, by: str, now: datetime) -> bool:
    """Say whether this person ended it less than ten minutes ago."""
    return delegation.ended_at is not None and delegation.ended_by == by and now - delegation.ended_at <= UNDO


def was_undone(delegation: Delegation) -> bool:
    """Say whether its end was taken back before: what came of that may have been ended since, by somebody else."""
    return Delegation.objects.filter(restored_from=delegation).exists()


def may_put_back(delegation: Delegation, *, by: str, now: datetime) -> bool:
    """Say whether this person made it smaller less than ten minutes ago, and nothing happened to it since."""
    cut, at = delegation.cut, delegation.cut_at
    if cut is None or at is None or delegation.is_over(now):
        return False
    return cut["by"] == by and delegation.cut_version == delegation.version and now - at <= UNDO


def may_renew(delegation: Delegation, *, now: datetime) -> bool:
    """Say whether its person is offered to allow it anew: it is theirs, lives, and ends soon."""
    ends_at = delegation.expires_at
    if delegation.origin != Delegation.Origin.CONSENT or delegation.depth or delegation.is_over(now) or ends_at is None:
        return False
    return ends_at - now <= min(RENEWABLE, now - delegation.created_at)


def _ends_at(choice: Duration) -> datetime:
    return choice.ends_at
