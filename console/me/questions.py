"""Questions to me: what approvers want to know of whoever wants an agent or answers for it; and what I asked for."""

from contextlib import suppress
from typing import Any

from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from agents import admission, lapsing, remarks
from agents.errors import AlreadyDecided, Unusable
from agents.models import Approval, Plea
from console.access import for_members
from tokens import summaries
from tokens.endpoints.request import MemberRequest

MOST = 50
"""Of what somebody asked for, so many are shown, newest first."""


@require_GET
@for_members
def listing(request: MemberRequest) -> HttpResponse:
    talk = Prefetch("remarks", remarks.readable(request.member).select_related("member__user"))
    rows = [
        {
            "id": approval.pk,
            "agent_name": approval.agent.name,
            "agent_initials": approval.agent.initials,
            "talk": remarks.lines(approval.remarks.all()),
        }
        for approval in remarks.asked(request.member).select_related("agent").prefetch_related(talk)
    ]
    return render(request, "me/questions.html", {"questions": rows, "wanted": _wanted(request)})


def _wanted(request: MemberRequest) -> list[dict[str, Any]]:
    """Return what this person asked for, newest first, and what became of it."""
    mine = Prefetch("pleas", Plea.objects.filter(member=request.member))
    found = remarks.wanted(request.member).select_related("agent").prefetch_related(mine).order_by("-pk")
    return [
        {
            "summary": summaries.question(approval),
            "status": approval.status,
            "status_label": approval.get_status_display(),
            "asked_at": approval.pleas.all()[0].created_at,
            "words": approval.pleas.all()[0].reason,
            "reason": admission.reason_words(approval.reason) if approval.status == Approval.Status.DENIED else "",
            "decided_at": approval.decided_at,
            "lapses_at": approval.created_at + lapsing.OPEN_FOR,
        }
        for approval in found[:MOST]
    ]


@require_POST
@for_members
def answer(request: MemberRequest, approval_id: str) -> HttpResponse:
    approval = get_object_or_404(Approval.objects.select_related("agent"), pk=approval_id)
    with suppress(AlreadyDecided, Unusable):  # It is decided, or was not asked of this person: the list says so.
        remarks.answer(approval, by=request.member, words=request.POST.get("words", ""))
    return redirect("my-questions")
