"""Who answers for an agent, what it is called and is for, and their word that it is still needed."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from agents import confirming, owners, owning
from agents.errors import BadLimits, NotActive, Unusable
from agents.models import Agent
from console import people
from console.access import for_admins, for_agent, principal
from console.admin.agent_verbs import CHANGED
from tenants.errors import Stale
from tenants.roles import Act
from tokens.endpoints.request import MemberRequest

ROLES = ("owner", "sponsor", "successor")


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def view(request: MemberRequest, agent_id: str) -> HttpResponse:
    agent = get_object_or_404(Agent, pk=agent_id)
    if agent.status == Agent.Status.RETIRED:
        return redirect("console-agent", agent.pk)
    if request.method != "POST":
        return _ask(request, agent)
    try:
        owners.change_agent(agent, by=principal(request), version=_version(request), **_said(request))
    except BadLimits as refusal:
        return _ask(request, agent, said=gettext("Nothing was changed."), status=422, flaws=refusal.errors)
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


def _ask(
    request: MemberRequest, agent: Agent, *, said: str = "", status: int = 200, flaws: Mapping[str, str] | None = None
) -> HttpResponse:
    typed = {name: request.POST.get(name, "") for name in (*ROLES, "co_owners")} if said else _held(agent)
    content = {"agent": agent, "typed": typed, "said": said, "flaws": flaws or {}}
    content["purpose"] = request.POST.get("purpose", agent.purpose)
    return render(request, "console/agent_owners.html", content, status=status)


def _held(agent: Agent) -> dict[str, str]:
    """Return who answers for it now, as the fields show it."""
    further = list(agent.co_owners.values_list("member_id", flat=True))
    held = {name: people.addresses(filter(None, [getattr(agent, f"{name}_id")])) for name in ROLES}
    return {**held, "co_owners": people.addresses(further)}


def _said(request: MemberRequest) -> dict[str, Any]:
    """Return what the form says; nobody is nobody. Raises BadLimits for an address that nobody here has."""
    found: dict[str, Any] = {}
    flaws: dict[str, str] = {}
    for name in (*ROLES, "co_owners"):
        try:
            found[name] = people.all_named(",".join(request.POST.getlist(name)))
        except Unusable as refusal:
            flaws[name] = str(refusal)
        if name in ROLES and len(found.get(name, ())) > 1:
            flaws[name] = gettext("Name one person.")
    if flaws:
        raise BadLimits(flaws)
    one = {name: next(iter(found[name]), None) for name in ROLES}
    name, purpose = (request.POST.get(each, "").replace("\x00", "").strip() for each in ("name", "purpose"))
    why = {"purpose": purpose} if "purpose" in request.POST else {}
    return {"name": name[:100].strip(), **why, **one, "co_owners": found["co_owners"]}


def _version(request: MemberRequest) -> int:
    text = request.POST.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 18 else 0
