"""A decision as pages show it: in the list of those made lately, and in the place of its card."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext

from agents import admission
from agents.models import Approval
from agents.rules import Verb, is_possible
from delegations.sentence import in_words
from tenants.roles import Act, may
from tokens.endpoints.request import MemberRequest

NAMED = 5
"""How many of those who decide are named where nothing waits."""


def row(approval: Approval, request: MemberRequest) -> dict[str, Any]:
    """Return one decision."""
    now = timezone.now()
    is_mine = approval.decided_by_id == request.member.pk
    is_fresh = approval.decided_at is not None and now - approval.decided_at <= admission.UNDO
    return {
        "id": approval.pk,
        "agent_name": approval.agent.name,
        "status": approval.status,
        "label": approval.get_status_display(),
        "by": str(approval.decided_by) if approval.decided_by else "",
        "at": approval.decided_at,
        "reason": admission.reason_words(approval.reason),
        "until": approval.until,
        "is_for_some": approval.people is not None,
        "may_undo": is_mine and is_fresh and approval.status != Approval.Status.LAPSED,
        "pause": to_pause(approval, request),
    }


def to_pause(approval: Approval, request: MemberRequest) -> str:
    """Return the agent that somebody may pause, offered where its approval cannot be undone any more; or ""."""
    acts = approval.status == Approval.Status.APPROVED and is_possible(Verb.PAUSE, approval.agent, now=timezone.now())
    return str(approval.agent_id) if acts and may(request.member, Act.AGENTS_PAUSE) else ""


def told(approval: Approval, request: MemberRequest) -> dict[str, Any]:
    """Return what stands in the place of a card once this person decided."""
    is_approved = approval.status == Approval.Status.APPROVED
    words = (
        gettext("%(agent)s: approved by you just now.")
        if is_approved
        else gettext("%(agent)s: denied by you just now.")
    )
    may_undo = row(approval, request)["may_undo"]
    return in_place(approval.pk, words % {"agent": approval.agent}, may_undo=may_undo, is_good=True)


def was_first(approval: Approval, request: MemberRequest) -> dict[str, Any]:
    """Return what stands in the place of a card that was decided before, by whom and when."""
    found, now = row(approval, request), timezone.now()
    seconds = int((now - (approval.decided_at or now)).total_seconds())
    when = in_words(approval.decided_at, now=now, time_zone=request.tenant.time_zone)
    if seconds < 60:
        when = gettext("%(n)s s ago") % {"n": max(seconds, 1)}
    facts = {"person": found["by"], "agent": approval.agent, "outcome": found["label"].lower(), "when": when}
    words = gettext("%(person)s was first: %(agent)s was %(outcome)s %(when)s.") % facts
    return in_place(approval.pk, words, pause=to_pause(approval, request))


def in_place(
    approval_id: str, words: str, *, may_undo: bool = False, is_good: bool = False, pause: str = ""
) -> dict[str, Any]:
    """Return words that stand in the place of a card, and the agent that may be paused instead."""
    return {"id": approval_id, "words": words, "may_undo": may_undo, "is_good": is_good, "pause": pause}


def nothing(deciders: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return what is said where nothing waits: how much was decided in a week, and who decides."""
    lately = Approval.objects.filter(decided_by__isnull=False, decided_at__gte=timezone.now() - timedelta(days=7))
    names = [name for _, name in deciders[:NAMED]]
    return {"lately": lately.count(), "deciders": names, "deciders_more": len(deciders) - len(names)}
