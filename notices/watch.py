"""What the clock looks at every few minutes: access and roles that end soon, agents that are refused often.

Each is written down once, in the transaction that takes its turn; mail is made of the entry like of any other.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, DurationField, Exists, ExpressionWrapper, F, Max, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from agents.models import Agent
from audit.events import REFUSALS, Event
from audit.ledger import JsonValue, record
from audit.models import Entry
from audit.principals import SYSTEM
from delegations import actions as delegation_actions
from delegations.models import Delegation
from kit import identifiers
from notices import turns
from notices.models import Turn
from tenants.models import Membership
from tokens.models import AccessToken

BATCH = 500
AHEAD, SHARE = timedelta(days=1), 5
"""An end is announced when a fifth of the life is left, and a day before it at the earliest."""
ROLE_AHEAD = timedelta(days=3)
"""The same of a role: three days before it at the earliest."""
IN_USE = timedelta(days=7)
LEAST, TIMES = 20, 10
"""So many refusals within an hour are a burst, where they are so many times as many as in a usual hour of the week."""
HOUR, WEEK, ONCE_IN = timedelta(hours=1), timedelta(days=7), timedelta(days=1)
_HOURS = 7 * 24
_ANNOUNCED = (Delegation.Origin.CONSENT, Delegation.Origin.ADMIN)


def look(now: datetime) -> int:
    """Write down what is to be told of now, in the current tenant; return how much that was."""
    soon = sum(_announce(delegation, now) for delegation in ending_soon(now)[:BATCH])
    soon += sum(_announce_role(member, now) for member in roles_ending(now)[:BATCH])
    return soon + sum(_report(through, number, last, now) for through, number, last in refused_often(now))


def ending_soon(now: datetime) -> "QuerySet[Delegation]":
    """Return what ends soon, is in use, and was not announced since it was allowed last."""
    left = ExpressionWrapper(F("expires_at") - Value(now), output_field=DurationField())
    lived = ExpressionWrapper(Value(now) - F("began"), output_field=DurationField())
    used = AccessToken.unscoped.filter(delegation=OuterRef("pk"), created__gte=now - IN_USE)
    told = Turn.objects.filter(name=turns.ENDS_SOON, about_id=OuterRef("pk"), at__gte=OuterRef("began"))
    mine = Delegation.objects.live(now).filter(
        Q(agent=None) | Q(agent__status=Agent.Status.ACTIVE),
        origin__in=_ANNOUNCED,
        parent=None,
        expires_at__lte=now + AHEAD,
    )
    due = mine.annotate(began=Coalesce("consent__created_at", "created_at")).filter(Exists(used), ~Exists(told))
    # A fifth of life is left: four times what is left is no more than what was lived.
    return due.annotate(left=left, lived=lived).filter(lived__gte=F("left") * (SHARE - 1)).order_by("expires_at", "pk")


def roles_ending(now: datetime) -> "QuerySet[Membership]":
    """Return whose role ends within days."""
    ahead = Membership.objects.filter(role_until__gt=now, role_until__lte=now + ROLE_AHEAD)
    return ahead.filter(status=Membership.Status.ACTIVE).order_by("role_until", "pk")


def refused_often(now: datetime) -> list[tuple[str, int, str]]:
    """Return agents that were refused often within the hour: each with how often, and the last entry."""
    found = _refusals(now - HOUR).exclude(through="").values("through").annotate(number=Count("pk"), last=Max("pk"))
    often = found.filter(number__gte=LEAST).order_by("-number")[:BATCH]
    return [(each["through"], each["number"], each["last"]) for each in often]


@transaction.atomic
def _announce(delegation: Delegation, now: datetime) -> bool:
    began = delegation.began  # type: ignore[attr-defined]  # Annotated by ending_soon.
    if not turns.take(turns.ENDS_SOON, delegation.pk, now=now, before=began):
        return False
    delegation_actions.note(Event.DELEGATION_ENDS_SOON, delegation, by=SYSTEM)
    return True


@transaction.atomic
def _announce_role(member: Membership, now: datetime) -> bool:
    given = Entry.objects.filter(about_kind="membership", about_id=member.pk, event=Event.MEMBER_ROLE_CHANGED)
    last = given.order_by("-pk").values_list("at", flat=True).first()
    if member.role_until is None or (last is not None and member.role_until - now > (now - last) / (SHARE - 1)):
        return False  # Whoever has it for a short time was told of its end when they got it.
    before = member.role_until - ROLE_AHEAD
    if not turns.take("role-ends-soon", member.pk, now=now, before=max(before, last or before)):
        return False
    detail: dict[str, JsonValue] = {"role": member.role, "until": member.role_until.isoformat()}
    record(Event.MEMBER_ROLE_ENDS_SOON, by=SYSTEM, about=member, detail=detail)
    return True


@transaction.atomic
def _report(agent_id: str, number: int, last: str, now: datetime) -> bool:
    earlier = _refusals(now - WEEK).filter(through=agent_id, pk__lt=identifiers.at("evt", now - HOUR)).count()
    if number < TIMES * earlier / _HOURS:
        return False
    agent = Agent.objects.filter(pk=agent_id).first()
    if agent is None or not turns.take("refused-often", agent_id, now=now, before=now - ONCE_IN):
        return False
    detail: dict[str, JsonValue] = {"refused": number, "usually": round(earlier / _HOURS), "last": last}
    record(Event.AGENT_REFUSED_OFTEN, by=SYSTEM, about=agent, through=agent.pk, detail=detail)
    return True


def _refusals(since: datetime) -> "QuerySet[Entry]":
    return Entry.objects.filter(event__in=REFUSALS, pk__gte=identifiers.at("evt", since)).order_by()
