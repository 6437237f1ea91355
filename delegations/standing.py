"""Authority that stands on an organisation's word: an admin's rule, or a trusted issuer's assertion.

Nobody agrees to each of them on a page. They are delegations like all others: seen, counted and ended in one place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from agents.models import Agent, Client
from agents.models.agent import earliest
from audit.events import Event
from audit.principals import Principal
from delegations.actions import EXPIRED, expire, note
from delegations.errors import DelegationMoved, DelegationOver, StaysEnded
from delegations.models import READ, Consent, Delegation
from kit import context, statements
from tenants.models import Membership, ResourceServer
from trust.models import Audience, TrustedIssuer

RECALLED = "recalled by its issuer"
_STANDS = (
    f"SELECT {READ.listed()} FROM delegations_delegation "
    "WHERE tenant_id = %s AND subject = %s AND client_id = %s "
    "AND audience = %s AND ended_at IS NULL AND parent_id IS NULL"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the word says: the sentence, on what it stands, and since when the organisation says so."""

    subject: str
    member: Membership | None
    client: Client
    agent: Agent | None
    audience: str
    scopes: frozenset[str]
    expires_at: datetime | None
    origin: Delegation.Origin
    said_at: datetime
    resource_server: ResourceServer | None = None
    elsewhere: Audience | None = None
    issuer: TrustedIssuer | None = None
    foreign_act: Mapping[str, Any] | None = None
    foreign_delegation: str = ""


def found(standing: Standing) -> Delegation | None:
    """Return the delegation that stands on this word already."""
    known = [context.require_id(), standing.subject, standing.client.pk, standing.audience]
    if standing.issuer is None:
        row = statements.first(f"{_STANDS} AND origin = %s AND issuer_id IS NULL", [*known, str(standing.origin)])
    else:
        row = statements.first(f"{_STANDS} AND issuer_id = %s", [*known, standing.issuer.pk])
    return READ.read(row) if row else None


def covers(delegation: Delegation, standing: Standing, now: datetime) -> bool:
    """Say whether a delegation says all that the word says."""
    is_same = delegation.foreign_act == standing.foreign_act
    is_same = is_same and delegation.foreign_delegation == standing.foreign_delegation
    is_same = is_same and delegation.elsewhere_id == (standing.elsewhere.pk if standing.elsewhere else None)
    return is_same and standing.scopes <= delegation.scope_set and not delegation.is_over(now)


def bounded(standing: Standing, there: Delegation | None, now: datetime) -> Standing:
    """Return the word without what somebody took away of the delegation that stands on it, and no longer than they
    left it; raises StaysEnded where nothing remains.
    """
    if there is None or there.is_over(now):
        return standing
    scopes = standing.scopes - there.withheld_set
    if standing.scopes and not scopes:  # A word that says nothing is refused for that.
        raise StaysEnded(f"{there.pk}: all of what was asked was taken away")
    ends = earliest(standing.expires_at, there.expires_at) if there.shortened_by else standing.expires_at
    return replace(standing, scopes=scopes, expires_at=ends)


def planned(standing: Standing) -> Delegation:
    """Return the delegation as a row that is not written yet."""
    return Delegation(
        subject=standing.subject,
        member=standing.member,
        agent=standing.agent,
        client=standing.client,
        resource_server=standing.resource_server,
        audience=standing.audience,
        scopes=sorted(standing.scopes),
        expires_at=standing.expires_at,
        origin=standing.origin,
        elsewhere=standing.elsewhere,
        issuer=standing.issuer,
        foreign_act=standing.foreign_act,
        foreign_delegation=standing.foreign_delegation,
    )


@transaction.atomic
def stand(standing: Standing, *, by: Principal) -> Delegation:
    """Find or make the delegation, and let it say what the word says now. Raises StaysEnded, DelegationOver or, where
    somebody took away of it what the word says, DelegationMoved.

    The caller mints in the same transaction: that statement refuses where something is over (`tokens.mint`).
    """
    now = timezone.now()
    for _ in range(3):
        there = found(standing)
        if there is None:
            _make(standing, by=by)
        elif there.is_over(now):
            expire(there, now)
        elif bounded(standing, there, now) != standing:
            raise DelegationMoved(there.pk)
        elif covers(there, standing, now) or _change(there, standing, by=by):
            return found(standing) or there
    raise DelegationOver("the delegation kept changing while it was asked for")


def check_stays_ended(standing: Standing) -> None:
    """Raise StaysEnded where somebody ended this very delegation, and nobody with a right to has said otherwise since.

    What a person ended, the person's own consent to the agent allows again; what anybody else ended, the
    organisation's newer word. The issuer's recall is no such end: its next assertion is its newer word.
    """
    taken_back = Delegation.objects.filter(restored_from=OuterRef("pk"))
    ended = Delegation.objects.filter(
        ~Exists(taken_back),
        subject=standing.subject,
        client=standing.client,
        audience=standing.audience,
        origin=standing.origin,
        issuer=standing.issuer,
        parent=None,
        ended_at__isnull=False,
    ).exclude(ended_reason=EXPIRED, shortened_by="")
    ended = ended.exclude(ended_reason=RECALLED)
    stays = Q(ended_at__gte=standing.said_at) & ~Q(ended_by=standing.subject)
    if standing.member is not None:
        agreed = Consent.objects.filter(member=standing.member, client=standing.client).order_by("-created_at").first()
        own = Q(ended_by=standing.subject)
        stays |= own & Q(ended_at__gte=agreed.created_at) if agreed else own
    if ended.filter(stays).exists():
        raise StaysEnded(f"{standing.subject} at {standing.audience[:200]}: it was ended")


def _make(standing: Standing, *, by: Principal) -> None:
    """Insert the row; where another request was first, write nothing."""
    check_stays_ended(standing)
    made = planned(standing)
    Delegation.objects.bulk_create([made], ignore_conflicts=True)
    if Delegation.objects.filter(pk=made.pk).exists():
        note(Event.DELEGATION_ALLOWED, made, by=by)


def _change(there: Delegation, standing: Standing, *, by: Principal) -> bool:
    """Add scopes, and say through whom and until when it came last, unless it changed since it was read."""
    changed = Delegation.objects.filter(pk=there.pk, version=there.version, ended_at=None).update(
        scopes=sorted(there.scope_set | standing.scopes),
        foreign_act=standing.foreign_act,
        foreign_delegation=standing.foreign_delegation,
        expires_at=standing.expires_at,
        elsewhere=standing.elsewhere,
        version=F("version") + 1,
    )
    if changed:
        note(Event.DELEGATION_WIDENED, there, by=by)
    return bool(changed)
