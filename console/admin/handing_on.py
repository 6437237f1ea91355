"""Which agents an agent may hand part of its authority to: the list of them, one more, and one taken away."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from agents import handovers
from agents.models import Agent, Handover
from agents.rules import LIVING
from console.access import for_act, principal
from console.attempt import attempt
from tenants.roles import Act
from tokens.endpoints.request import MemberRequest

SHOWN = 200


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.AGENTS_WRITE)
def view(request: MemberRequest, agent_id: str) -> HttpResponse:
    agent = get_object_or_404(Agent, pk=agent_id)
    if request.method != "POST":
        return _page(request, agent)
    to = Agent.objects.filter(pk=request.POST.get("to", "").replace("\x00", "")).first()
    if to is None:
        return _page(request, agent, said=gettext("Choose an agent of the list."), status=422)
    refused = attempt(lambda: handovers.allow_handover(agent, to, by=principal(request)))
    return _page(request, agent, said=refused, status=422) if refused else redirect("agent-handovers", agent.pk)


@require_POST
@for_act(Act.AGENTS_WRITE)
def forbid(request: MemberRequest, agent_id: str, to_agent_id: str) -> HttpResponse:
    agent = get_object_or_404(Agent, pk=agent_id)
    handovers.forbid_handover(agent, get_object_or_404(Agent, pk=to_agent_id), by=principal(request))
    return redirect("agent-handovers", agent.pk)


def _page(request: MemberRequest, agent: Agent, *, said: str = "", status: int = 200) -> HttpResponse:
    found = Handover.objects.filter(agent=agent).select_related("to_agent").order_by("pk")[:SHOWN]
    named = [each.to_agent for each in found]
    others = Agent.objects.filter(status__in=LIVING).exclude(pk__in=[agent.pk, *(each.pk for each in named)])
    content: dict[str, Any] = {"agent": agent, "named": named, "others": others.order_by("name", "pk")[:SHOWN]}
    content |= {"said": said, "drafted": request.GET.get("to", "")}
    return render(request, "console/agent_handovers.html", content, status=status)
