"""How much an agent gets at most, whatever people allow it: the card that says so, and the form that changes it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from agents import handovers
from agents.models import Agent
from console.access import for_act, must_prove_again, principal, prove_again
from console.admin.decisions import ANYTHING, LONGEST
from console.admin.resources import version_of
from console.admin.trust_forms import Ticks, by_resource
from console.attempt import attempt
from tenants import directory
from tenants.models import Membership
from tenants.roles import Act
from tokens import unused
from tokens.endpoints.request import MemberRequest

TICKED = "ticked"
PROPOSE = "without"
"""The word of the address that asks for a form without what an agent does not use."""
EXTENT = [(ANYTHING, _("Whatever people allow it")), (TICKED, _("At most what is ticked here"))]


class CeilingForm(forms.Form):
    extent = forms.ChoiceField(label=_("How much it may ever get"), choices=EXTENT)
    scopes = Ticks(label=_("At most"))

    def ceiling(self, agent: Agent) -> Mapping[str, list[str]] | None:
        """Return what the form says; what it cannot show, at a resource that was retired or elsewhere, stays."""
        if self.cleaned_data["extent"] == ANYTHING:
            return None
        shown = directory.resource_servers()
        kept = {name: scopes for name, scopes in (agent.ceiling or {}).items() if name not in shown}
        return {**kept, **self.cleaned_data["scopes"]}


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.AGENTS_WRITE)
def view(request: MemberRequest, agent_id: str) -> HttpResponse:
    agent = get_object_or_404(Agent, pk=agent_id)
    extent = ANYTHING if agent.ceiling is None else TICKED
    form = CeilingForm(request.POST or None, initial={"extent": extent, "scopes": agent.ceiling or {}})
    if request.method != "POST":
        return _proposed(request, agent) if PROPOSE in request.GET else _page(request, agent, form)
    if must_prove_again(request):
        return prove_again(request, request.get_full_path())
    if not form.is_valid():
        return _page(request, agent, form, status=422)
    said, by = form.ceiling(agent), principal(request)
    refused = attempt(lambda: handovers.set_ceiling(agent, said, by=by, version=version_of(request)))
    if refused:
        form.add_error(None, refused)
        return _page(request, Agent.objects.get(pk=agent.pk), form, status=409)
    return redirect("console-agent", agent.pk)


def proposal(agent: Agent, now: datetime) -> dict[str, Any] | None:
    """Return how much of what it holds an agent used of late, in numbers, and where the rest is taken from it."""
    found = unused.of_agent(agent, now=now)
    if found is None:
        return None
    url = f"{reverse('agent-ceiling', args=[agent.pk])}?{PROPOSE}=unused"
    return {"used": found.used_count, "held": found.held_count, "days": unused.WINDOW.days, "url": url}


def _proposed(request: MemberRequest, agent: Agent) -> HttpResponse:
    """Show the form as it would be without what the agent did not use; nothing changes before somebody saves it."""
    now = timezone.now()
    found = unused.of_agent(agent, now=now)
    if found is None:
        return redirect("agent-ceiling", agent.pk)
    scopes = unused.ceiling_without(agent, found, now=now)
    form = CeilingForm(initial={"extent": TICKED, "scopes": scopes})
    return _page(request, agent, form, proposed=unused.WINDOW.days)


def approved(agent: Agent) -> dict[str, Any]:
    """Return the limits that an agent has, in words: how much, for whom, for how long each time, and until when."""
    return {
        "is_anything": agent.ceiling is None,
        "resources": [_at(name, scopes) for name, scopes in sorted((agent.ceiling or {}).items()) if scopes],
        "is_anybody": agent.people is None,
        "people": _people(agent),
        "longest": _span(agent.longest_seconds) if agent.longest_seconds is not None else "",
        "until": agent.approved_until,
        "at": agent.admitted_at,
    }


def _at(identifier: str, scopes: list[str]) -> dict[str, Any]:
    protected = directory.resource_server(identifier)
    known = protected.scopes if protected else {}
    lines = [
        {"title": known[name].title, "is_writing": known[name].is_writing}
        if name in known
        else {"title": name, "is_writing": False}
        for name in scopes
    ]
    return {"name": protected.server.name if protected else identifier, "scopes": lines}


def _people(agent: Agent) -> list[str]:
    """Return the names of those for whom alone it may act."""
    members, groups = (list((agent.people or {}).get(kind, ())) for kind in ("members", "groups"))
    found = Membership.objects.select_related("user").filter(pk__in=members) if members else ()
    named = [gettext("the group %(name)s") % {"name": name} for name in groups]
    return [*sorted(str(each) for each in found), *named]


def _span(seconds: int) -> str:
    """Return a length of time in words, in the largest unit that says all of it."""
    if (label := LONGEST.get(str(seconds))) is not None:
        return str(label)
    if seconds % 86400 == 0:
        return ngettext("%(n)s day", "%(n)s days", seconds // 86400) % {"n": seconds // 86400}
    if seconds % 3600 == 0:
        return ngettext("%(n)s hour", "%(n)s hours", seconds // 3600) % {"n": seconds // 3600}
    minutes = -(-seconds // 60)
    return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}


def _page(
    request: MemberRequest, agent: Agent, form: CeilingForm, *, status: int = 200, proposed: int = 0
) -> HttpResponse:
    content = {"agent": agent, "form": form, "groups": by_resource(form, "scopes"), "proposed": proposed}
    return render(request, "console/agent_ceiling.html", content, status=status)
