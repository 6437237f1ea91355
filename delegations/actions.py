"""The verbs of authority: approve, allow an agent, revoke (down the tree), undo, expire."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from agents.models import Client
from agents.models.agent import earliest
from audit.events import Event
from audit.ledger import record
from audit.principals import SYSTEM, Principal
from delegations import lines
from delegations.errors import DelegationOver, IssuerRemoved, TooLateToUndo
from delegations.models import Ancestry, Consent, Delegation
from delegations.rules import bounds, may_undo, was_undone, within
from delegations.sentence import kept
from tenants import directory
from tenants.models import Membership, ResourceServer
from trust.removing import hold_standing

EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Allowed:
    """Scopes that a person allows at one audience; no resource server means sign-in only."""

    audience: str
    scopes: frozenset[str]
    resource_server: ResourceServer | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a person agreed to on the consent page."""

    member: Membership
    client: Client
    redirect_host: str
    allowed: Sequence[Allowed]
    shown: Mapping[str, Any]
    expires_at: datetime
    identity: frozenset[str] = frozenset()
    helpers: frozenset[str] = frozenset()
    """Agents that part of it may be handed to, as the page named them."""
    circumstances: Mapping[str, Any] = field(default_factory=dict)
    """Where, and what they had proved (`tokens.endpoints.circumstances`)."""


@transaction.atomic
def approve(agreement: Agreement, *, by: Principal) -> tuple[Consent, list[Delegation]]:
    """Keep what was shown, and make or extend one delegation for each audience."""
    shown = json.dumps(agreement.shown, sort_keys=True)
    consent = Consent.objects.create(
        member=agreement.member,
        client=agreement.client,
        redirect_host=agreement.redirect_host,
        client_digest=agreement.client.digest,
        identity=sorted(agreement.identity),
        shown=agreement.shown,
        shown_digest=hashlib.sha256(shown.encode()).hexdigest(),
        circumstances=dict(agreement.circumstances) or None,
        expires_at=agreement.expires_at,
    )
    # In one order, whatever was asked for first: two approvals at once must not wait for each other.
    made = {
        allowed.audience: _extend_or_make(agreement, allowed, consent, by=by)
        for allowed in sorted(agreement.allowed, key=lambda allowed: allowed.audience)
    }
    return consent, [made[allowed.audience] for allowed in agreement.allowed]


@transaction.atomic
def allow_agent(
    client: Client, server: ResourceServer, scopes: frozenset[str], *, by: Principal, expires_at: datetime | None = None
) -> Delegation:
    """Let an agent act for itself at one resource server, by an admin's hand."""
    if client.agent is None:
        raise ValueError("only an agent's client can be allowed anything")
    delegation = Delegation.objects.create(
        subject=client.agent.pk,
        agent=client.agent,
        client=client,
        resource_server=server,
        audience=server.identifier,
        scopes=sorted(scopes),
        expires_at=earliest(expires_at, client.agent.latest_end(timezone.now())),
        origin=Delegation.Origin.ADMIN,
    )
    note(Event.DELEGATION_ALLOWED, delegation, by=by)
    return delegation


@transaction.atomic
def revoke(
    delegation: Delegation, *, by: Principal, reason: str, account: Callable[[], Mapping[str, Any]] = dict
) -> Delegation:
    """End a delegation, and thereby everything below it; return it as it ended. Raises DelegationOver.

    One row is written: whether something lives is asked of all that it hangs on. `account` is called once the end
    stands, for what the ledger keeps beside it.
    """
    if not _end(Delegation.objects.filter(pk=delegation.pk), timezone.now(), by=by, reason=reason):
        raise DelegationOver(delegation.pk)
    ended = Delegation.objects.get(pk=delegation.pk)
    note(Event.DELEGATION_ENDED, ended, by=by, reason=reason, detail=account())
    return ended


@transaction.atomic
def shorten(latest: datetime, *, by: Principal) -> int:
    """Let nothing that people allowed last beyond a moment; return how much of it would have.

    What agents handed on ends with what it hangs on, and what the organisation allowed has its own end.
    """
    found = beyond(latest).update(expires_at=latest, version=F("version") + 1)
    if found:
        record(Event.DELEGATIONS_SHORTENED, by=by, detail={"delegations": found, "until": latest.isoformat()})
    return found


def beyond(latest: datetime) -> QuerySet[Delegation]:
    """Return what people allowed beyond a moment."""
    allowed = Delegation.objects.filter(origin=Delegation.Origin.CONSENT, parent=None, ended_at=None)
    return allowed.filter(expires_at__gt=latest)


@transaction.atomic
def undo(delegation: Delegation, *, by: Principal, asked_at: datetime | None = None) -> Delegation:
    """Make a new delegation with the limits of one that this person just ended, as far as what it hangs on has them
    still. The old tokens stay dead.

    `asked_at` is when it was asked for, where the work takes longer than that. Raises TooLateToUndo, or IssuerRemoved
    where the word that it came by counts for nothing any more.
    """
    now = timezone.now()
    # First, as whoever removes an issuer does: it is held before what came through it.
    is_trusted = delegation.issuer_id is None or hold_standing(delegation.issuer_id)
    is_due = delegation.expires_at is not None and delegation.expires_at <= now
    line = lines.hold(delegation.line[1:])
    hangs_on_over = any(above.is_over(now) for above in line)
    is_in_time = may_undo(delegation, by=by.id, now=asked_at or now)
    if is_due or hangs_on_over or not is_in_time or was_undone(delegation):
        raise TooLateToUndo(delegation.pk)
    if not is_trusted:
        raise IssuerRemoved(delegation.pk)
    try:
        with transaction.atomic():
            limits = {name: getattr(delegation, name) for name in _LIMITS} | _still_held(delegation, line)
            restored = Delegation.objects.create(**limits, restored_from=delegation)
            hang(restored, line)
    except IntegrityError as error:
        raise TooLateToUndo(delegation.pk) from error
    note(Event.DELEGATION_RESTORED, restored, by=by)
    return restored


@transaction.atomic
def expire_due(now: datetime, *, limit: int = 500) -> int:
    """Close what is over by the calendar. It was refused from its last second on; this writes it down."""
    due = Delegation.objects.filter(ended_at=None, expires_at__lte=now).order_by("expires_at", "pk")[:limit]
    return sum(expire(delegation, now) for delegation in due)


_LIMITS = (
    "subject", "member", "agent", "client", "resource_server", "audience", "scopes", "constraints", "expires_at",
    "origin", "consent", "parent", "depth", "helpers", "elsewhere", "issuer", "foreign_act", "foreign_delegation",
    "withheld", "shortened_by", "narrowed_at",
)  # fmt: skip


def _extend_or_make(agreement: Agreement, allowed: Allowed, consent: Consent, *, by: Principal) -> Delegation:
    for _ in range(3):
        found = _find(agreement, allowed, now=timezone.now())
        if found is None:
            try:
                with transaction.atomic():
                    return _make(agreement, allowed, consent, by=by)
            except IntegrityError:
                continue  # Another request made it first.
        if extended := _extend(found, agreement, allowed, consent, by=by):
            return extended
    raise DelegationOver("the delegation kept changing while it was extended")


def _find(agreement: Agreement, allowed: Allowed, *, now: datetime) -> Delegation | None:
    live = Delegation.objects.filter(subject=agreement.member.pk, client=agreement.client, parent=None, ended_at=None)
    same = live.filter(audience=allowed.audience, origin=Delegation.Origin.CONSENT).first()
    if same is not None and same.is_over(now):
        expire(same, now)
        return None
    return same


def _make(agreement: Agreement, allowed: Allowed, consent: Consent, *, by: Principal) -> Delegation:
    delegation = Delegation.objects.create(
        subject=agreement.member.pk,
        member=agreement.member,
        agent=agreement.client.agent,
        client=agreement.client,
        resource_server=allowed.resource_server,
        audience=allowed.audience,
        scopes=sorted(allowed.scopes),
        expires_at=agreement.expires_at,
        origin=Delegation.Origin.CONSENT,
        consent=consent,
        helpers=sorted(agreement.helpers),
    )
    note(Event.DELEGATION_ALLOWED, delegation, by=by)
    return delegation


def _extend(
    found: Delegation, agreement: Agreement, allowed: Allowed, consent: Consent, *, by: Principal
) -> Delegation | None:
    # A further request adds to what was allowed (MCP, scope step-up); how long is the person's latest word. The UPDATE
    # holds the row until the commit, so that what is read after it is all that was allowed so far.
    held = Delegation.objects.filter(pk=found.pk, ended_at=None).update(
        expires_at=agreement.expires_at,
        shortened_by="",
        consent=consent,
        helpers=sorted(agreement.helpers),
        version=F("version") + 1,
    )
    if not held:
        return None
    delegation = Delegation.objects.get(pk=found.pk)
    delegation.scopes = sorted(delegation.scope_set | allowed.scopes)
    withheld = sorted(delegation.withheld_set - allowed.scopes)
    Delegation.objects.filter(pk=found.pk).update(scopes=delegation.scopes, withheld=withheld)
    note(Event.DELEGATION_WIDENED, delegation, by=by)
    return delegation


def hang(delegation: Delegation, line: Sequence[Delegation]) -> None:
    """Write the line that a new delegation hangs on, nearest first."""
    Ancestry.objects.bulk_create(
        Ancestry(delegation=delegation, ancestor=above, distance=distance)
        for distance, above in enumerate(line, start=1)
    )


def expire(delegation: Delegation, now: datetime) -> int:
    """Write down that a delegation is over by the calendar; return how many rows that closed, none or one."""
    # Asked again where it is written: an approval may have extended it since it was read.
    due = Delegation.objects.filter(pk=delegation.pk, expires_at__lte=now)
    ended = _end(due, now, by=SYSTEM, reason=EXPIRED)
    if ended:
        note(Event.DELEGATION_EXPIRED, delegation, by=SYSTEM, reason=EXPIRED)
    return ended


def _still_held(delegation: Delegation, line: Sequence[Delegation]) -> dict[str, Any]:
    """Return what of a part its parent holds, where something above was made smaller; raises TooLateToUndo where that
    is nothing.
    """
    if not any(above.narrowed_at for above in line):
        return {}
    parent = line[0]
    edge = directory.downstream(parent.audience, delegation.audience)
    left = within(delegation, parent, bounds(parent), edge)
    if not left.scopes:
        raise TooLateToUndo(delegation.pk)
    return {"scopes": sorted(left.scopes), "expires_at": left.expires_at}


def _end(which: QuerySet[Delegation], now: datetime, *, by: Principal, reason: str) -> int:
    return which.filter(ended_at=None).update(
        ended_at=now, ended_by=by.id, ended_reason=reason[:512], version=F("version") + 1
    )


def note(
    event: Event,
    delegation: Delegation,
    *,
    by: Principal,
    reason: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Record what happened to a delegation, with its sentence."""
    named = Delegation.unscoped.select_related("member__user", "agent", "client", "resource_server").get(
        pk=delegation.pk
    )
    record(
        event,
        by=by,
        about=named,
        on_behalf_of=named.subject,
        through=named.agent_id or "",
        reason=reason,
        detail={**kept(named, now=timezone.now()), **(detail or {})},
    )
