"""Handing authority on: the part of a delegation that another agent holds. `rules.attenuate` says how much that is."""

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from agents.models import Client
from audit.events import Event
from audit.principals import Principal
from delegations.actions import EXPIRED, expire, hang, note
from delegations.errors import DelegationOver, NotHandedOn
from delegations.models import READ, Delegation
from delegations.rules import Part
from kit import context, statements

_PART = (
    f"SELECT {READ.listed()} FROM delegations_delegation "
    "WHERE tenant_id = %s AND parent_id = %s AND client_id = %s AND audience = %s AND ended_at IS NULL"
)


@transaction.atomic
def hand_on(part: Part, *, by: Principal) -> Delegation:
    """Find or make the delegation of a part, and widen it to what was asked of it; always within its parent.

    The caller mints in the same transaction: that statement refuses where anything above is over (`tokens.mint`).
    """
    now = timezone.now()
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
    if _was_ended(part):
        raise NotHandedOn(f"{part.client.agent_id} had part of {parent.pk}, and it was ended")
    hang(made, parent.line)
    note(Event.DELEGATION_HANDED_ON, made, by=by, detail={"parent": parent.pk})


def _was_ended(part: Part) -> bool:
    """Say whether somebody ended such a part since the person agreed last. What was ended stays so until then.

    It is known by the way that it came, through which clients and where: what it hung on may have been made anew.
    """
    root = part.parent.line[-1]
    # The consent's own delegation knows the latest word; a part keeps the one that it was made by.
    agreed = root.consent or root
    way = {"subject": root.subject, "client": part.client, "audience": part.resource_server.identifier}
    for distance, above in enumerate(part.parent.line, start=1):
        step = "__".join(["parent"] * distance)
        way |= {f"{step}__client": above.client_id, f"{step}__audience": above.audience}
    taken_back = Delegation.objects.filter(restored_from=OuterRef("pk"))
    ended = Delegation.objects.filter(~Exists(taken_back), ended_at__gte=agreed.created_at, **way)
    return ended.filter(depth=part.parent.depth + 1).exclude(ended_reason=EXPIRED).exists()


def _widen(found: Delegation, part: Part, *, by: Principal) -> bool:
    """Add scopes to a part, unless it changed since it was read."""
    wider = sorted(found.scope_set | part.scopes)
    changed = Delegation.objects.filter(pk=found.pk, version=found.version, ended_at=None).update(
        scopes=wider, version=F("version") + 1
    )
    if changed:
        note(Event.DELEGATION_WIDENED, found, by=by)
    return bool(changed)
