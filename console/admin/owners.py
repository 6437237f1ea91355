"""Who answers for an agent, what it is called and is for, and their word that it is still needed."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from agents import confirming, owners, owning
from agents.errors import NotActive, Unusable
from agents.models import Agent
from console.access import for_admins, for_agent, principal
from console.admin.agent_verbs import CHANGED
from tenants.errors import Stale
from tenants.models import Membership
from tenants.roles import Act
from tokens.endpoints.request import MemberRequest

SHOWN = 200


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def view(request: MemberRequest, agent_id: str) -> HttpResponse:
    agent = get_object_or_404(Agent, pk=agent_id)
    if agent.status == Agent.Status.RETIRED:
        return redirect("console-agent", agent.pk)
    if request.method != "POST":
        return _ask(request, agent)
    try:
        owners.change_agent(agent, by=principal(request), version=_version(request), **_said(request, agent))
    except Unusable as refusal:
        return _ask(request, agent, said=str(refusal), status=422)
    except (Stale, NotActive):
        return _ask(request, Agent.objects.get(pk=agent.pk), said=str(CHANGED), status=409)
    return redirect("console-agent", agent.pk)


@require_POST
@for_agent(Act.AGENTS_READ)
def confirm(request: MemberRequest, agent_id: str) -> HttpResponse:
    """Write down that an owner says that an agent is still theirs and needed."""
    agent = get_object_or_404(owning.theirs(request.member), pk=agent_id)
    confirming.confirm(agent, by=request.member)
    return redirect("console-agent", agent.pk)


def _ask(request: MemberRequest, agent: Agent, *, said: str = "", status: int = 200) -> HttpResponse:
    here = Membership.objects.filter(status=Membership.Status.ACTIVE, user__is_active=True)
    people = [(each.pk, str(each), each.email) for each in here.select_related("user").order_by("user__name")[:SHOWN]]
    further = list(agent.co_owners.values_list("member_id", flat=True))
    content = {"agent": agent, "people": people, "co_owners": further, "said": said}
    content["purpose"] = request.POST.get("purpose", agent.purpose)
    return render(request, "console/agent_owners.html", content, status=status)


def _said(request: MemberRequest, agent: Agent) -> dict[str, Any]:
    """Return what the form says; nobody is nobody, and whom the tenant does not know is not there."""
    ids = {name: request.POST.get(name, "") for name in ("owner", "sponsor", "successor")}
    further = request.POST.getlist("co_owners")
    wanted = {*ids.values(), *further} - {""}
    found = {each.pk: each for each in Membership.objects.select_related("user").filter(pk__in=wanted)}
    people: dict[str, Any] = {name: found.get(value) for name, value in ids.items()}
    people["co_owners"] = [found[each] for each in further if each in found]
    name, purpose = (request.POST.get(each, "").replace("\x00", "").strip() for each in ("name", "purpose"))
    return {"name": name[:100].strip(), **({"purpose": purpose} if "purpose" in request.POST else {}), **people}


def _version(request: MemberRequest) -> int:
    text = request.POST.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 18 else 0
