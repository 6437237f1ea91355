"""Agents acting for you: who acts in my name, with what, until when, and the button that ends it."""

from typing import Any

from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from console.access import for_members, principal
from console.receipt_words import receipt_words
from console.rows import delegation_row, ended_row
from delegations import actions as delegation_actions
from delegations.errors import DelegationOver, TooLateToUndo
from delegations.models import Delegation
from delegations.rules import may_undo
from tenants.models import Tenant
from tokens import actions, impact
from tokens.endpoints.request import MemberRequest
from tokens.receipts import Receipt

_LAST_ENDED = "last_ended"
REASON = "ended by the person"


@for_members
def listing(request: MemberRequest) -> HttpResponse:
    now = timezone.now()
    live = impact.with_use(Delegation.objects.of(request.member).live(now).with_names()).order_by("-pk")
    rows = [delegation_row(delegation, now=now, tenant=request.tenant) for delegation in live]
    context = {"delegations": rows, "summary": _summary(rows, request.tenant), "notice": _notice(rows)}
    return render(request, "me/agents.html", {**context, "ended": _ended(request)})


@for_members
def past(request: MemberRequest) -> HttpResponse:
    now = timezone.now()
    # What was handed on ends with what it was handed from, and is not told of apart.
    by_itself = Q(ended_at__isnull=False) | Q(expires_at__lte=now)
    over = Delegation.objects.of(request.member).filter(by_itself)
    rows = [
        ended_row(delegation, now=now, tenant=request.tenant, member=request.member)
        for delegation in impact.with_use(over.with_names()).order_by("-ended_at", "-pk")[:100]
    ]
    return render(request, "me/past.html", {"delegations": rows})


@require_POST
@for_members
def end(request: MemberRequest, delegation_id: str) -> HttpResponse:
    delegation = _mine(request, delegation_id)
    try:
        receipt = actions.end_delegation(delegation, by=principal(request), reason=REASON)
    except DelegationOver:
        return redirect("my-agents")
    _remember(request, delegation, receipt)
    return redirect("my-agents")


@require_POST
@for_members
def end_all(request: MemberRequest) -> HttpResponse:
    actions.end_all(request.member, by=principal(request), reason=f"{REASON}, all at once")
    return redirect("my-agents")


@require_POST
@for_members
def undo(request: MemberRequest, delegation_id: str) -> HttpResponse:
    try:
        delegation_actions.undo(_mine(request, delegation_id), by=principal(request))
    except TooLateToUndo:
        return render(request, "me/too_late.html", status=409)
    request.session.pop(_LAST_ENDED, None)
    return redirect("my-agents")


def _mine(request: MemberRequest, delegation_id: str) -> Delegation:
    found = Delegation.objects.of(request.member).filter(pk=delegation_id).first()
    if found is None:
        raise Http404
    return found


def _remember(request: MemberRequest, delegation: Delegation, receipt: Receipt) -> None:
    request.session[_LAST_ENDED] = {"id": delegation.pk, "receipt": receipt.as_json()}


def _ended(request: MemberRequest) -> dict[str, Any] | None:
    """Return the receipt of what this person ended last, while it can be undone."""
    last = request.session.get(_LAST_ENDED)
    found = Delegation.objects.of(request.member).with_names().filter(pk=last["id"]).first() if last else None
    now = timezone.now()
    if last is None or found is None or not may_undo(found, by=request.member.pk, now=now):
        return None
    return {
        "id": found.pk,
        "agent_name": found.agent.name if found.agent else found.client.name,
        "resource_name": found.resource_server.name if found.resource_server else "sign-in",
        **receipt_words(last["receipt"], now=now, time_zone=request.tenant.time_zone),
    }


def _summary(rows: list[dict[str, Any]], tenant: Tenant) -> str:
    agents = {row["agent_name"] for row in rows}
    unused = sum(row["last_used_at"] is None for row in rows)
    verb = "agent can" if len(agents) == 1 else "agents can"
    text = f"{len(agents)} {verb} act in your name at {tenant.name}."
    return f"{text} {unused} of these was never used." if unused == 1 else text


def _notice(rows: list[dict[str, Any]]) -> str:
    for row in rows:
        writes = any(scope["is_writing"] for scope in row["scopes"])
        if writes and row["last_used_at"] is None and not row["is_verified"]:
            return f"{row['agent_name']} can change things at {row['resource_name']} and was never used."
    return ""
