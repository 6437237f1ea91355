"""Handing authority on: the part of a delegation that another agent holds. `rules.attenuate` says how much that is."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from agents.models import Client
from audit.events import Event
from audit.principals import Principal
from delegations import lines
from delegations.actions import EXPIRED, expire, hang, note
from delegations.errors import DelegationMoved, DelegationOver, NotHandedOn
from delegations.models import READ, Delegation
from delegations.rules import Part, Taken
from kit import context, statements

_PART = (
    f"SELECT {READ.listed()} FROM delegations_delegation "
    "WHERE tenant_id = %s AND parent_id = %s AND client_id = %s AND audience = %s AND ended_at IS NULL"
)


@transaction.atomic
def hand_on(part: Part, *, by: Principal) -> Delegation:
    """Find or make the delegation of a part, and widen it to what was asked of it; always within its parent.

    The caller mints in the same transaction: that statement refuses where anything above is over (`tokens.mint`).
    Raises DelegationMoved where something above is not as it was when the part was judged.
    """
    now = timezone.now()
    if lines.moved(part.parent.line, lines.hold(part.parent.line)):
        raise DelegationMoved(part.parent.pk)
    for _ in range(3):
        found = part_of(part.parent, part.client, part.resource_server.identifier)
        if found is None:
            _make_part(part, by=by)
        elif found.is_over(now):
            expire(found, now)
        elif part.scopes <= found.scope_set or _widen(found, part, by=by):
            return part_of(part.parent, part.client, part.resource_server.identifier) or found
    raise DelegationOver("the part kept changing while it was handed on")


def part_of(parent: Delegation, client: Client, audience: str) -> Delegation | None:
    """Return the part of a delegation that a client holds at an audience."""
    found = statements.first(_PART, [context.require_id(), parent.pk, client.pk, audience])
    return _hung(READ.read(found), parent) if found else None


def taken_from(parent: Delegation, client: Client, audience: str, found: Delegation | None) -> Taken:
    """Return what somebody took away, since the person agreed last, of the part that a client holds at an audience or
    held; `found` is the one that it holds now, and knows what became of those before it.
    """
    if found is not None:
        is_lasting = found.narrowed_at is not None and found.narrowed_at >= _agreed_at(parent)
        return _taken([found] if is_lasting else [])
    return _taken(_such(parent, client, audience).filter(narrowed_at__gte=_agreed_at(parent)))


def planned(part: Part) -> Delegation:
    """Return the part as a row that is not written yet."""
    parent = part.parent
    made = Delegation(
        subject=parent.subject,
        member_id=parent.member_id,
        agent=part.client.agent,
        client=part.client,
        resource_server=part.resource_server,
        audience=part.resource_server.identifier,
        scopes=sorted(part.scopes),
        expires_at=part.expires_at,
        withheld=sorted(part.taken.scopes),
        shortened_by=part.taken.by,
        narrowed_at=timezone.now() if part.taken != Taken() else None,
        origin=Delegation.Origin.HANDED_ON,
        consent_id=parent.consent_id,
        parent=parent,
        depth=parent.depth + 1,
    )
    return _hung(made, parent)


def _hung(delegation: Delegation, parent: Delegation) -> Delegation:
    """Tell a delegation its line, which its parent knows already."""
    delegation.line = (delegation, *parent.line)
    return delegation


def _make_part(part: Part, *, by: Principal) -> None:
    """Insert the part's row with its line; where another request was first, write nothing."""
    parent, made = part.parent, planned(part)
    Delegation.objects.bulk_create([made], ignore_conflicts=True)
    if not Delegation.objects.filter(pk=made.pk).exists():
        return
    if _was_ended(parent, part.client, made.audience):
        raise NotHandedOn(f"{part.client.agent_id} had part of {parent.pk}, and it was ended")
    hang(made, parent.line)
    note(Event.DELEGATION_HANDED_ON, made, by=by, detail={"parent": parent.pk})


def _was_ended(parent: Delegation, client: Client, audience: str) -> bool:
    """Say whether somebody ended such a part since the person agreed last. What was ended stays so until then."""
    taken_back = Delegation.objects.filter(restored_from=OuterRef("pk"))
    ended = _such(parent, client, audience).filter(~Exists(taken_back), ended_at__gte=_agreed_at(parent))
    return ended.exclude(ended_reason=EXPIRED).exists()


def _such(parent: Delegation, client: Client, audience: str) -> "QuerySet[Delegation]":
    """Return the parts that came by the same way, through which clients and where: what they hung on may have been made
    anew.
    """
    way = {"subject": parent.line[-1].subject, "client": client, "audience": audience}
    for distance, above in enumerate(parent.line, start=1):
        step = "__".join(["parent"] * distance)
        way |= {f"{step}__client": above.client_id, f"{step}__audience": above.audience}
    return Delegation.objects.filter(depth=parent.depth + 1, **way)


def _agreed_at(parent: Delegation) -> datetime:
    """Return when the person agreed last: the consent's own delegation knows, a part knows what it was made by."""
    root = parent.line[-1]
    return (root.consent or root).created_at


def _taken(parts: Iterable[Delegation]) -> Taken:
    scopes, by = frozenset[str](), ""
    until: datetime | None = None
    for part in parts:
        scopes |= part.withheld_set
        ends = part.expires_at if part.shortened_by else None
        if ends is not None and (until is None or ends < until):
            until, by = ends, part.shortened_by
    return Taken(scopes, until, by)


def _widen(found: Delegation, part: Part, *, by: Principal) -> bool:
    """Add scopes to a part, unless it ended since it was read.

    The row is held until the commit, so that what is read of it is all that was added so far. Its version stays: what
    is minted meanwhile is within what it held before, and many that widen it at once would refuse each other.
    """
    held = Delegation.objects.select_for_update(no_key=True).filter(pk=found.pk, ended_at=None).first()
    if held is None:
        return False
    if part.scopes <= held.scope_set:
        return True
    if part.scopes & taken_from(part.parent, part.client, held.audience, held).scopes:
        raise DelegationMoved(held.pk)  # Somebody took it away since the part was judged.
    Delegation.objects.filter(pk=held.pk).update(scopes=sorted(held.scope_set | part.scopes))
    note(Event.DELEGATION_WIDENED, held, by=by)
    return True
