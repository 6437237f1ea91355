"""One question at an address of its own, which mail leads to: its card while it waits, then what came of it."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from agents import alike
from agents.models import Approval
from console.access import for_keepers
from console.admin import approvals, beside, cards, decisions, outcomes
from console.admin.cards import Typed
from tenants.rules import may_decide
from tokens.endpoints.request import MemberRequest


@require_safe
@for_keepers
def view(request: MemberRequest, approval_id: str) -> HttpResponse:
    found = approvals.dressed(Approval.objects.select_related("decided_by__user"))
    approval, once = get_object_or_404(found, pk=approval_id), beside.read()
    request.waiting = once.number  # type: ignore[attr-defined]  # The navigation counts the same.
    typed = decisions.typed_before(request, approval_id=approval_id)
    is_open = approval.status == Approval.Status.WAITING
    content = {
        "approval": approval,
        "card": cards.card(approval, request, Typed(*typed) if typed else None, once, alike.of([approval]))
        if is_open
        else None,
        "row": outcomes.row(approval, request),
        "may_decide": may_decide(request.member),
        "choices": cards.choices(request.tenant, once),
    }
    return render(request, "console/approval.html", content)
