"""Who answers for an agent: an owner, further ones, a sponsor, and who follows an owner who leaves.

Nobody is told when somebody leaves: the clock compares owners with memberships. Each step is an UPDATE that holds only
as long as the agent is as the step found it, so that two clocks, or a clock and an admin, take it once.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from agents import directory, limits, purposes
from agents.errors import NotActive, Unusable
from agents.models import Agent, CoOwner, looks
from agents.registration import metadata
from agents.rules import LIVING
from audit.events import Event
from audit.ledger import JsonValue, record
from audit.principals import SYSTEM, Principal
from kit.oauth import InvalidClientMetadata
from tenants import directory as tenants_directory
from tenants.actions import as_read
from tenants.errors import Stale
from tenants.models import Membership
from tenants.rules import is_here

FIELDS = frozenset({"name", "purpose", "owner", "sponsor", "successor"})
"""What an admin may change of an agent."""
MOST_CO_OWNERS = 20
BATCH = 500
ALONE = "its owner left, and nobody followed"


@transaction.atomic
def create_agent(
    name: str,
    *,
    by: Principal,
    owner: Membership,
    co_owners: Iterable[Membership] = (),
    sponsor: Membership | None = None,
    successor: Membership | None = None,
    ceiling: Mapping[str, Iterable[str]] | None = None,
    purpose: str = "",
) -> Agent:
    """Make an agent that somebody answers for; how it comes in (`agents.clients`) is said next. Raises Unusable.

    `ceiling` is what it ever gets at most, by resource; None is whatever people allow, an empty one is nothing.
    """
    further, bound = {each.pk: each for each in co_owners if each != owner}, limits.bound(ceiling)
    fields: dict[str, Any] = {"owner": owner, "sponsor": sponsor, "successor": successor}
    agent = Agent(name=_named(name), purpose=purposes.kept(purpose), ceiling=bound, **fields)
    _check(agent, fields, further)
    agent.save(force_insert=True)
    CoOwner.objects.bulk_create(CoOwner(agent=agent, member=each) for each in further.values())
    detail: dict[str, JsonValue] = {"how": agent.registration, "owner": owner.pk}
    if bound is not None:
        detail["ceiling"] = [f"{resource}: {' '.join(scopes)}" for resource, scopes in bound.items()]
    record(Event.AGENT_REGISTERED, by=by, about=agent, detail=detail)
    return agent


@transaction.atomic
def change_agent(
    agent: Agent,
    *,
    by: Principal,
    version: int | None = None,
    co_owners: Iterable[Membership] | None = None,
    **fields: Membership | str | None,
) -> Agent:
    """Change what an agent is called, what it is for, and who answers for it; raises Unusable, NotActive or Stale.

    Whoever says what is so already changes nothing, and nothing is written down.
    """
    if unknown := fields.keys() - FIELDS:
        raise ValueError(f"not of an agent: {', '.join(sorted(unknown))}")
    if "name" in fields:
        fields["name"] = _named(fields["name"])
    if "purpose" in fields:
        fields["purpose"] = purposes.kept(fields["purpose"])
    held = Agent.objects.select_for_update(of=("self",)).select_related("owner__user", "successor").get(pk=agent.pk)
    owner = fields.get("owner", held.owner)
    further = None if co_owners is None else {each.pk: each for each in co_owners if each != owner}
    _check(held, fields, further or {})
    before, said = _answers(held), _said(fields, further)
    is_news = any(before[name] != value for name, value in said.items())
    back = {"owner_left_at": None} if "owner" in fields else {}
    seen_as = looks.of_agent(str(fields["name"])) if "name" in fields else {}
    _update(held, version, **({**fields, **back, **seen_as} if is_news else {}))
    if not is_news:
        return held
    _stand_beside(held, owner, further)
    after = _answers(Agent.objects.get(pk=held.pk))
    record(Event.AGENT_CHANGED, by=by, about=held, detail=_told(before, after))
    transaction.on_commit(directory.forget_all)
    return Agent.objects.get(pk=held.pk)


@transaction.atomic
def hand_over(owner: Membership, following: Membership, *, by: Principal) -> list[Agent]:
    """Let one member answer for all that another one owns; return the agents. Raises Unusable."""
    there = Membership.objects.select_related("user").filter(pk=following.pk).first()
    if there is None or there.pk == owner.pk or not is_here(there):
        raise Unusable(_("Whoever takes agents over is somebody else who has a place here."))
    moved = []
    for agent in owned(owner):
        # Whoever was to follow follows now, and there is nobody behind them any more.
        behind = {"successor": None} if agent.successor_id == there.pk else {}
        moved.append(change_agent(agent, by=by, owner=there, **behind))
    return moved


def owned(owner: Membership) -> "QuerySet[Agent]":
    """Return the agents that a member answers for first, as long as they may act."""
    return Agent.objects.filter(owner=owner, status__in=LIVING).order_by("pk")


def answering(agent: Agent) -> Membership | None:
    """Return somebody who is here and owns an agent: its owner, or else one of the further ones."""
    owner = Membership.objects.select_related("user").filter(agents=agent.pk).first()
    return owner if is_here(owner) else _next_of(agent)


def settle_due(now: datetime) -> int:
    """Notice who left and who came back, and let somebody follow where that is due; return how many agents moved."""
    return sum(_settle(agent, now) for agent in _unsettled(now)[:BATCH])


def alone_due(now: datetime) -> "QuerySet[Agent]":
    """Return agents that act on, though their grace is over and nobody follows."""
    acting = _left().filter(status__in=(Agent.Status.ACTIVE, Agent.Status.PENDING), owner_left_at__lte=now - grace())
    return acting.filter(~_here("successor"), ~_co_owner_is_here()).order_by("pk")


@transaction.atomic
def suspend_alone(agent: Agent) -> bool:
    """Pause an agent of `alone_due`, unless somebody took it over meanwhile."""
    as_it_was = Agent.objects.filter(
        pk=agent.pk,
        status=agent.status,
        owner=agent.owner_id,
        owner_left_at=agent.owner_left_at,
        successor=agent.successor_id,
    )
    if not as_it_was.update(status=Agent.Status.SUSPENDED, version=F("version") + 1):
        return False
    record(Event.AGENT_SUSPENDED, by=SYSTEM, about=agent, reason=ALONE)
    transaction.on_commit(directory.forget_all)
    return True


def grace() -> timedelta:
    """Return how long an agent of the current tenant acts on without its owner."""
    return timedelta(days=tenants_directory.current().owner_grace_days)


def _check(agent: Agent, fields: "dict[str, Membership | str | None]", further: dict[str, Membership]) -> None:
    people = {name: fields[name] for name in ("owner", "sponsor", "successor") if fields.get(name) is not None}
    everybody = [*people.values(), *further.values()]
    if not all(isinstance(each, Membership) and is_here(each) for each in everybody):
        raise Unusable(_("Whoever answers for an agent has a place here."))
    if "owner" in fields and fields["owner"] is None:
        raise Unusable(_("An agent has an owner."))
    if len(further) > MOST_CO_OWNERS:
        raise Unusable(_("An agent has at most %(most)s further owners.") % {"most": MOST_CO_OWNERS})
    owner = fields.get("owner", agent.owner)
    if owner is not None and fields.get("successor", agent.successor) == owner:
        raise Unusable(_("Whoever follows an owner is somebody else."))


def _named(text: object) -> str:
    """Return a name as it is kept; raises Unusable for one that does not show, as strangers' are refused."""
    try:
        return metadata.name_of(text or "")
    except InvalidClientMetadata as error:
        raise Unusable(_("An agent has a name of up to 100 characters that all show.")) from error


def _update(agent: Agent, version: int | None, **fields: object) -> None:
    if agent.status == Agent.Status.RETIRED:
        raise NotActive(agent.pk)
    moved = {"version": F("version") + 1} if fields else {"version": F("version")}
    if not Agent.objects.filter(pk=agent.pk, **as_read(version)).update(**moved, **fields):
        raise Stale(agent)


def _stand_beside(agent: Agent, owner: object, further: Mapping[str, Membership] | None) -> None:
    """Let these members answer for an agent beside its owner, and no others; None leaves them, but for the owner."""
    beside = CoOwner.objects.filter(agent=agent)
    if further is None:
        beside.filter(member=getattr(owner, "pk", None)).delete()
        return
    beside.exclude(member__in=further).delete()
    CoOwner.objects.bulk_create([CoOwner(agent=agent, member=each) for each in further.values()], ignore_conflicts=True)


def _answers(agent: Agent) -> dict[str, str]:
    people = {name: str(getattr(agent, f"{name}_id") or "") for name in ("owner", "sponsor", "successor")}
    further = CoOwner.objects.filter(agent=agent).values_list("member_id", flat=True)
    return {"name": agent.name, "purpose": agent.purpose, **people, "co_owners": " ".join(sorted(further))}


def _said(fields: "Mapping[str, Membership | str | None]", further: Mapping[str, Membership] | None) -> dict[str, str]:
    """Return what is wanted in the words of `_answers`."""
    named = {name: str(getattr(value, "pk", value) or "") for name, value in fields.items()}
    return named if further is None else {**named, "co_owners": " ".join(sorted(further))}


def _told(before: dict[str, str], after: dict[str, str]) -> dict[str, JsonValue]:
    changed = [name for name in before if before[name] != after[name]]
    return {
        "changed": changed,
        "before": [f"{name}: {before[name]}" for name in changed],
        "after": [f"{name}: {after[name]}" for name in changed],
    }


def _here(name: str) -> Q:
    return Q(**{f"{name}__status": Membership.Status.ACTIVE, f"{name}__user__is_active": True})


def _co_owner_is_here() -> Exists:
    return Exists(CoOwner.objects.filter(_here("member"), agent=OuterRef("pk")))


def _left() -> "QuerySet[Agent]":
    return Agent.objects.filter(~_here("owner"), owner__isnull=False, status__in=LIVING)


def _unsettled(now: datetime) -> "QuerySet[Agent]":
    back = Agent.objects.filter(_here("owner"), owner_left_at__isnull=False, status__in=LIVING)
    followed = _co_owner_is_here() | Q(_here("successor"), owner_left_at__lte=now - grace())
    due = _left().filter(Q(owner_left_at=None) | Q(followed))
    return (back | due).select_related("owner__user", "successor__user").order_by("pk")


def _next_of(agent: Agent) -> Membership | None:
    found = CoOwner.objects.filter(_here("member"), agent=agent).select_related("member__user").order_by("pk").first()
    return found.member if found is not None else None


@transaction.atomic
def _settle(agent: Agent, now: datetime) -> bool:
    if is_here(agent.owner):
        return _move(agent, Event.AGENT_OWNER_BACK, owner_left_at=None)
    following = _next_of(agent)
    if following is None and agent.owner_left_at is not None and agent.owner_left_at <= now - grace():
        following = agent.successor if is_here(agent.successor) else None
    if following is not None:
        return _follow(agent, following)
    if agent.owner_left_at is not None:
        return False
    return _move(agent, Event.AGENT_OWNER_LEFT, detail={"until": (now + grace()).isoformat()}, owner_left_at=now)


def _follow(agent: Agent, following: Membership) -> bool:
    successor = None if agent.successor_id == following.pk else agent.successor
    people: dict[str, JsonValue] = {"before": agent.owner_id or "", "after": following.pk}
    moved = _move(
        agent,
        Event.AGENT_OWNER_FOLLOWED,
        detail=people,
        owner=following,
        owner_left_at=None,
        successor=successor,
    )
    if moved:
        CoOwner.objects.filter(agent=agent, member=following).delete()
    return moved


def _move(agent: Agent, event: Event, *, detail: "dict[str, JsonValue] | None" = None, **fields: object) -> bool:
    """Change an agent if it is still as it was found, and write that down."""
    as_it_was = Agent.objects.filter(pk=agent.pk, owner=agent.owner_id, owner_left_at=agent.owner_left_at)
    if not as_it_was.filter(successor=agent.successor_id).update(version=F("version") + 1, **fields):
        return False
    told = {"owner": agent.owner_id or "", **(detail or {})}
    record(event, by=SYSTEM, about=agent, detail=told)
    transaction.on_commit(directory.forget_all)
    return True
