"""What the clock does once a day, from nine in the morning where the tenant is: digests, and the end of what is unused.

Every step may come twice: each person is told by a turn of their own, each end is decided by its row. So a round that
was killed begins anew, and only a whole one is not done again that day.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from agents import credentials, lapsing
from agents.models import Agent, Approval, Client, Plea
from audit import leases
from audit.events import Event
from audit.ledger import record
from audit.principals import SYSTEM
from delegations.models import DelegationQuerySet
from kit.oauth import AuthMethod
from notices import turns
from notices.models import Turn
from tenants import directory
from tenants.models import Membership
from tokens import idleness
from tokens.idleness import QUIET
from tokens.models import AccessToken

AT = time(9)
BATCH, MOST = 500, 40
WEEKLY = timedelta(days=7)
SECRET_LIFE = timedelta(days=365)
"""The age at which a secret should have been replaced; it is good for longer, and whoever answers for it is told."""
STEPS = (1, 7, 30)
"""How many days before that."""
ROUND, QUIET_DIGEST, APPROVALS_DIGEST, SECRET_AGES = "round", "gone-quiet", "approvals-digest", "secret-ages"


def go(now: datetime) -> int:
    """Do the day's round of the current tenant, unless it was done; return how much was ended or told of."""
    since = _begins(now)
    if now < since or Turn.objects.filter(name=ROUND, about_id="", at__gte=since).exists():
        return 0
    done = _remind_deciders(since, now) + _tell_undecided(now) + idleness.end_due(now)
    done += _tell_quiet(now) + _tell_secret_ages(now)
    turns.take(ROUND, "", now=now, before=since)
    return done + turns.forget(now)


def newly_quiet(who: str, now: datetime) -> DelegationQuerySet:
    """Return what is quiet, of people who were told nothing within a week and of something else before that.

    `who` is the way from a delegation to the person who is told: `member`, or `agent__owner`.
    """
    quiet = idleness.unused(now - QUIET, now=now).filter(**{f"{who}__isnull": False})
    told = Turn.objects.filter(name=QUIET_DIGEST, about_id=OuterRef(who)).values("at")
    before = F("told") - QUIET
    used = AccessToken.unscoped.filter(delegation=OuterRef("pk"), created__gte=OuterRef("told") - QUIET)
    since = Q(created_at__gte=before) | Q(consent__created_at__gte=before) | Exists(used)
    return quiet.annotate(told=Subquery(told)).filter(Q(told=None) | (Q(told__lt=now - WEEKLY) & since))


def _begins(now: datetime) -> datetime:
    zone = ZoneInfo(directory.current().time_zone)
    return datetime.combine(now.astimezone(zone).date(), AT, tzinfo=zone)


def _tell_quiet(now: datetime) -> int:
    return sum(_tell(people, now) for who in ("member", "agent__owner") for people in _batches(who, now))


def _batches(who: str, now: datetime) -> Iterator[list[str]]:
    """Return people to tell, in batches; whoever was told is not found again."""
    for _ in range(MOST):
        found = list(newly_quiet(who, now).order_by().values_list(who, flat=True).distinct()[:BATCH])
        if found:
            yield found
        if len(found) < BATCH or not leases.keep():
            return


def _tell(people: list[str], now: datetime) -> int:
    members = Membership.objects.filter(pk__in=people, status=Membership.Status.ACTIVE).order_by("pk")
    by_id = {member.pk: member for member in members.select_related("user")}
    return sum(_tell_one(member_id, by_id.get(member_id), now) for member_id in people)


@transaction.atomic
def _tell_one(member_id: str, member: Membership | None, now: datetime) -> bool:
    # The turn is taken for whoever left, too: nobody is found again and again.
    if not turns.take(QUIET_DIGEST, member_id, now=now, before=now - WEEKLY) or member is None:
        return False
    record(Event.DELEGATIONS_QUIET, by=SYSTEM, about=member, on_behalf_of=member.pk)
    return True


@transaction.atomic
def _remind_deciders(since: datetime, now: datetime) -> int:
    number = still_waiting(since).count()
    if not number or not turns.take(APPROVALS_DIGEST, "", now=now, before=since):
        return 0
    record(Event.APPROVALS_STILL_WAIT, by=SYSTEM, about=directory.current(), detail={"waiting": number})
    return 1


def _tell_undecided(now: datetime) -> int:
    """Write down what somebody asked for and nobody decided on in half the time after which it lapses."""
    waiting = Approval.objects.filter(status=Approval.Status.WAITING, created_at__lte=now - lapsing.OPEN_FOR / 2)
    told = Turn.objects.filter(name=turns.UNDECIDED, about_id=OuterRef("pk"), at__gte=OuterRef("created_at"))
    due = waiting.filter(Exists(Plea.objects.filter(approval=OuterRef("pk"))), ~Exists(told)).order_by("pk")
    return sum(_tell_one_undecided(approval, now) for approval in due[:BATCH])


@transaction.atomic
def _tell_one_undecided(approval: Approval, now: datetime) -> bool:
    if not turns.take(turns.UNDECIDED, approval.pk, now=now, before=approval.created_at):
        return False
    record(Event.APPROVAL_UNDECIDED, by=SYSTEM, about=approval)
    return True


def still_waiting(since: datetime) -> "QuerySet[Approval]":
    """Return questions that waited at a moment already. Of what came by itself those count that somebody wants."""
    waiting = Approval.objects.filter(status=Approval.Status.WAITING, created_at__lt=since)
    return waiting.filter(~Q(kind=Approval.Kind.ADMISSION) | Q(pleas__isnull=False)).distinct().order_by("pk")


def _tell_secret_ages(now: datetime) -> int:
    by_secret = Client.objects.filter(
        auth_method__in=(AuthMethod.SECRET_BASIC, AuthMethod.SECRET_POST),
        status=Client.Status.ACTIVE,
        created__lte=now - SECRET_LIFE + timedelta(days=max(STEPS)),
        agent__status=Agent.Status.ACTIVE,
    )
    return sum(_tell_ages(client, now) for client in by_secret.order_by("pk").iterator(chunk_size=BATCH))


def _tell_ages(client: Client, now: datetime) -> int:
    known = [(each.id, each.made_at) for each in credentials.secrets(client) if each.made_at is not None]
    return sum(_tell_age(client, secret_id, made_at, now) for secret_id, made_at in known)


@transaction.atomic
def _tell_age(client: Client, secret_id: str, made_at: datetime, now: datetime) -> bool:
    step = next((days for days in STEPS if made_at + SECRET_LIFE - now <= timedelta(days=days)), None)
    if step is None or not turns.take(SECRET_AGES, f"{client.pk} {secret_id} {step}", now=now, before=made_at):
        return False
    detail = {"credential": secret_id, "made_at": made_at.isoformat()}
    record(Event.CLIENT_SECRET_AGES, by=SYSTEM, about=client, through=client.agent_id or "", detail=detail)
    return True
