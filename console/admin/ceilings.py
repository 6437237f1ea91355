"""How much an agent gets at most, for whom, how long and until when: the card that says so, and its form."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from agents import handovers
from agents.errors import BadLimits
from agents.limits import Said
from agents.models import Agent
from console import people
from console.access import for_act, must_prove_again, principal, prove_again
from console.admin import cards, decisions
from console.admin.decisions import ANYTHING, GROUP
from console.admin.resources import version_of
from console.admin.trust_forms import Ticks, by_resource
from console.attempt import attempt
from tenants import directory
from tenants.models import Tenant
from tenants.roles import Act
from tokens import unused
from tokens.endpoints.request import MemberRequest
from tokens.unused import Unused

TICKED = "ticked"
PROPOSE, WIDEN = "without", "also"
"""The words of the address that ask for a form without what an agent does not use, and with what a check missed."""
EXTENT = [(ANYTHING, _("Whatever people allow it")), (TICKED, _("At most what is ticked here"))]


class LimitsForm(forms.Form):
    extent = forms.ChoiceField(label=_("How much it may ever get"), choices=EXTENT)
    scopes = Ticks(label=_("At most"))
    people = forms.CharField(required=False)
    groups = forms.MultipleChoiceField(
        label=_("Groups"), required=False, widget=forms.SelectMultiple(attrs={"size": 4})
    )
    longest = forms.ChoiceField(label=_("They may allow it for at most"), required=False)
    until = forms.CharField(
        label=_("Ask me again after"), required=False, max_length=10, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(
        self,
        post: QueryDict | None,
        *,
        agent: Agent,
        tenant: Tenant,
        ceiling: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        """Show the limits that an agent has, with a ceiling in the place of its own where one is proposed."""
        self.agent, self.tenant = agent, tenant
        ceiling = agent.ceiling if ceiling is None else ceiling
        usual = cards.usual(agent)
        extent = ANYTHING if ceiling is None else TICKED
        until = agent.approved_until and agent.approved_until - timedelta(seconds=1)
        day = f"{until.astimezone(ZoneInfo(tenant.time_zone)):%Y-%m-%d}" if until else ""
        super().__init__(post, initial={"extent": extent, "scopes": ceiling or {}, **usual, "until": day})
        # A group that nobody is in any more stands there as well: it was chosen.
        held = sorted({*(f"{GROUP}{group}" for group in people.groups()), *usual["groups"]})
        self._offer("groups", [(each, each.removeprefix(GROUP)) for each in held])
        lifetimes = dict(decisions.lifetimes(tenant))
        if agent.longest_seconds is not None:
            lifetimes.setdefault(usual["longest"], decisions.span(agent.longest_seconds))
        self._offer("longest", [("", _("As long as they choose")), *lifetimes.items()])

    def _offer(self, name: str, choices: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean(self) -> dict[str, Any]:
        words = super().clean() or self.cleaned_data
        try:
            words["chosen"] = decisions.people_of([words.get("people", ""), *words.get("groups", ())])
        except BadLimits as refusal:
            self.add_error("people", refusal.errors["people"])
        return words

    def clean_until(self) -> datetime | None:
        try:
            return decisions.end_of(self.cleaned_data["until"], self.tenant)
        except BadLimits as refusal:
            raise forms.ValidationError(refusal.errors["until"]) from refusal

    def said(self) -> Said:
        """Return what the form says; what it cannot show, at a resource that was retired or elsewhere, stays."""
        words, is_new = self.cleaned_data, set(self.changed_data)
        found = Said(ceiling=self._ceiling())
        if is_new & {"people", "groups"}:
            found["people"] = words["chosen"]
        if "longest" in is_new:
            found["longest"] = timedelta(seconds=int(words["longest"])) if words["longest"] else None
        if "until" in is_new:
            found["until"] = words["until"]
        return found

    def _ceiling(self) -> Mapping[str, list[str]] | None:
        if self.cleaned_data["extent"] == ANYTHING:
            return None
        shown = directory.resource_servers()
        kept = {name: scopes for name, scopes in (self.agent.ceiling or {}).items() if name not in shown}
        return {**kept, **self.cleaned_data["scopes"]}


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.AGENTS_WRITE)
def view(request: MemberRequest, agent_id: str) -> HttpResponse:
    agent = get_object_or_404(Agent, pk=agent_id)
    form = LimitsForm(request.POST or None, agent=agent, tenant=request.tenant)
    if request.method != "POST":
        drafts = {PROPOSE: _proposed, WIDEN: _widened}
        draft = next((draw for word, draw in drafts.items() if word in request.GET), None)
        return draft(request, agent) if draft else _page(request, agent, form)
    if must_prove_again(request):
        return prove_again(request, request.get_full_path())
    if not form.is_valid():
        return _page(request, agent, form, status=422)
    said, by, version = form.said(), principal(request), version_of(request)
    try:
        refused = attempt(lambda: handovers.set_limits(agent, by=by, version=version, **said), but=BadLimits)
    except BadLimits as refusal:
        for name, words in refusal.errors.items():
            form.add_error(name, words)
        return _page(request, agent, form, status=422)
    if refused:
        form.add_error(None, refused)
        return _page(request, Agent.objects.get(pk=agent.pk), form, status=409)
    return redirect("console-agent", agent.pk)


def proposal(agent: Agent, found: Unused | None) -> dict[str, Any] | None:
    """Return how much of what it holds an agent used of late, in numbers, and where the rest is taken from it."""
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
    form = LimitsForm(None, agent=agent, tenant=request.tenant, ceiling=scopes)
    return _page(request, agent, form, proposed=unused.WINDOW.days)


def _widened(request: MemberRequest, agent: Agent) -> HttpResponse:
    """Show the form with scopes ticked besides at a resource; nothing changes before somebody saves it."""
    resource, wanted = request.GET[WIDEN], set(request.GET.get("scope", "").split())
    protected = directory.resource_server(resource)
    held = set((agent.ceiling or {}).get(resource, ()))
    added = sorted((wanted & protected.scopes.keys()) - held) if protected else []
    if agent.ceiling is None or not added:
        return redirect("agent-ceiling", agent.pk)
    form = LimitsForm(
        None, agent=agent, tenant=request.tenant, ceiling={**agent.ceiling, resource: sorted({*held, *added})}
    )
    return _page(request, agent, form, added=" ".join(added))


def approved(agent: Agent, people: Iterable[str] = ()) -> dict[str, Any]:
    """Return the limits that an agent has, in words: how much, for whom, for how long each time, and until when.

    `people` are the names of the members whom alone it may act for.
    """
    return {
        "is_anything": agent.ceiling is None,
        "resources": [at(name, scopes) for name, scopes in sorted((agent.ceiling or {}).items()) if scopes],
        "is_anybody": agent.people is None,
        "people": [*sorted(people), *_groups(agent)],
        "longest": decisions.span(agent.longest_seconds) if agent.longest_seconds is not None else "",
        "until": agent.approved_until,
        "at": agent.admitted_at,
    }


def at(identifier: str, scopes: list[str]) -> dict[str, Any]:
    """Return what an agent gets at one resource, as pages say it."""
    protected = directory.resource_server(identifier)
    known = protected.scopes if protected else {}
    lines = [
        {"title": known[name].title, "is_writing": known[name].is_writing}
        if name in known
        else {"title": name, "is_writing": False}
        for name in scopes
    ]
    return {"name": protected.server.name if protected else identifier, "scopes": lines}


def _groups(agent: Agent) -> list[str]:
    return [gettext("the group %(name)s") % {"name": name} for name in (agent.people or {}).get("groups", ())]


def _page(
    request: MemberRequest, agent: Agent, form: LimitsForm, *, status: int = 200, proposed: int = 0, added: str = ""
) -> HttpResponse:
    content = {"agent": agent, "form": form, "groups": by_resource(form, "scopes")}
    content |= {"proposed": proposed, "added": added}
    return render(request, "console/agent_ceiling.html", content, status=status)
