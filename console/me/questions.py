"""Questions to me: what approvers want to know of whoever wants an agent or answers for it."""

from contextlib import suppress

from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from agents import remarks
from agents.errors import AlreadyDecided, Unusable
from agents.models import Approval
from console.access import for_members
from tokens.endpoints.request import MemberRequest


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
    return render(request, "me/questions.html", {"questions": rows})


@require_POST
@for_members
def answer(request: MemberRequest, approval_id: str) -> HttpResponse:
    approval = get_object_or_404(Approval.objects.select_related("agent"), pk=approval_id)
    with suppress(AlreadyDecided, Unusable):  # It is decided, or was not asked of this person: the list says so.
        remarks.answer(approval, by=request.member, words=request.POST.get("words", ""))
    return redirect("my-questions")
