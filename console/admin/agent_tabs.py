"""The further pages of one agent: the tokens that are good now, what it did, and all of it as a file."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from agents.models import Agent
from audit.models import Entry
from console.access import for_agent, principal
from console.admin import activity
from console.narrowing import narrowing
from console.paging import page
from delegations.entry_names import resource_name
from delegations.event_filters import EventFilter, PlainEventFilter
from delegations.sentence import in_words
from tenants.models import Tenant
from tenants.roles import Act, may
from tenants.rules import may_see_console
from tokens import evidence, living
from tokens.endpoints.request import MemberRequest
from tokens.models import AccessToken

OF_AN_ID = 8
"""How much of a token's id is shown: enough to tell two apart."""


@for_agent(Act.AGENTS_READ)
def tokens(request: MemberRequest, agent_id: str) -> HttpResponse:
    agent, now = get_object_or_404(Agent, pk=agent_id), timezone.now()
    found, pager = page(request, living.of_agent(agent, now=now))
    rows = [_token(each, tenant=request.tenant) for each in found]
    content = {"agent": agent, "rows": rows, "is_active": agent.status == Agent.Status.ACTIVE, **pager}
    content["looks_after"] = may_see_console(request.member)
    return render(request, "console/agent_tokens.html", content)


@for_agent(Act.EVENTS_READ)
def did(request: MemberRequest, agent_id: str) -> HttpResponse:
    agent = get_object_or_404(Agent, pk=agent_id)
    further = [name for name in activity.FURTHER if name != "agent"]
    asked = narrowing(
        request,
        EventFilter if may(request.member, Act.EVENTS_READ) else PlainEventFilter,
        Entry.objects.all(),
        shown=activity.FIELDS,
        further=further,
        chips=activity.CHIPS[:3],
        fixed={"agent": agent.pk},
    )
    content = {"agent": agent, "looks_after": may_see_console(request.member)}
    return render(request, "console/agent_activity.html", {**content, **activity.listed(request, asked)})


@require_GET
@for_agent(Act.EVENTS_READ)
def evidence_file(request: MemberRequest, agent_id: str) -> HttpResponse:
    """Hand out all that is known of an agent, for an auditor."""
    agent = get_object_or_404(Agent.objects.select_related(*evidence.PEOPLE), pk=agent_id)
    file = evidence.hand_out(agent, request.tenant, by=principal(request), now=timezone.now())
    name = {"Content-Disposition": f'attachment; filename="{agent.pk}.json"'}
    return JsonResponse(file, headers=name, json_dumps_params={"ensure_ascii": False})


def _token(token: AccessToken, *, tenant: Tenant) -> Mapping[str, Any]:
    """Return what is known of a token, without anything that is one."""
    now, delegation = timezone.now(), token.delegation
    left = living.left_of(token)
    return {
        "id": token.pk,
        "short": token.pk[-OF_AN_ID:],
        "client": token.client.name,
        "place": resource_name(token.audience),
        "person": str(delegation.member) if delegation.member else "",
        "scopes": left,
        "lost": sorted(set(token.scope.split()) - set(left)),
        "delegation": delegation.pk,
        "depth": delegation.depth,
        "parent": token.parent_id[-OF_AN_ID:] if token.parent_id else "",
        "issued_at": token.created,
        "issued": in_words(token.created, now=now, time_zone=tenant.time_zone),
        "ends_at": min(filter(None, [token.expires, delegation.expires_at])),
    }
