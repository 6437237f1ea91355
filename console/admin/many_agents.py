"""What is done with the agents that were ticked: whom that reaches, one line each, and the button."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from agents.models import Agent
from console import choosing
from console.access import for_admins, principal
from console.counted import MOVED, Counted
from console.person_field import PersonField
from notices import many_agents
from notices.errors import NothingMatches, NumberMoved
from notices.many_agents import Deed, Outcome
from tokens.endpoints.request import MemberRequest

NOTHING = _("It fits none of them any more, so that nothing was done.")


@dataclass(frozen=True, slots=True)
class Words:
    heading: str | Promise
    lede: str | Promise
    button: str | Promise
    done: str | Promise
    style: str = "primary"


WORDS = {
    Deed.PAUSE: Words(
        _("Pause these agents?"),
        _("From that moment they get no token, and act for nobody until somebody resumes them. Nothing is lost."),
        _("Pause"),
        _("Paused"),
        "risk-fill",
    ),
    Deed.RESUME: Words(
        _("Resume these agents?"),
        _("They act again for everybody who still allows it to them."),
        _("Resume"),
        _("Resumed"),
    ),
    Deed.OWNER: Words(
        _("Give these agents to another owner?"),
        _("The owner is asked when something is wrong with an agent. What it may do stays as it is."),
        _("Change the owner"),
        _("Given to another owner"),
    ),
    Deed.CONFIRM: Words(
        _("Ask their owners whether these agents are still needed?"),
        _("Each owner gets a mail with a link to the agent, and says there that it is needed. Nothing stops."),
        _("Ask them"),
        _("Asked"),
    ),
}


class ManyForm(Counted):
    reason = forms.CharField(label=_("Why"), max_length=500, help_text=_("It stays on record."))


class OwnerForm(Counted):
    owner = PersonField(label=_("Owner"))


FORMS: Mapping[Deed, type[Counted]] = {
    Deed.PAUSE: ManyForm,
    Deed.RESUME: ManyForm,
    Deed.OWNER: OwnerForm,
    Deed.CONFIRM: Counted,
}
STOPPING = (Deed.PAUSE, Deed.RESUME)
"""What people notice, so that many of them are counted first."""


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def view(request: MemberRequest) -> HttpResponse:
    verb = request.GET.get("verb", "")
    if verb not in list(Deed):
        return redirect("console-agents")
    deed, found = Deed(verb), Agent.objects.filter(pk__in=choosing.ids(request.GET))
    foreseen = many_agents.preview(deed, found, now=timezone.now())
    kind, reaches = FORMS[deed], foreseen.people if deed in STOPPING else 0
    if request.method != "POST":
        return _page(request, deed, foreseen, kind(reaches=reaches))
    form = kind(request.POST, reaches=reaches)
    if not form.is_valid():
        return _page(request, deed, foreseen, form, status=409 if form.has_moved else 422)
    try:
        outcome = _do(deed, found, form.cleaned_data, expected=foreseen.fitting, request=request)
    except (NothingMatches, NumberMoved) as refusal:
        form.add_error(None, MOVED if isinstance(refusal, NumberMoved) else NOTHING)
        return _page(request, deed, many_agents.preview(deed, found, now=timezone.now()), form, status=409)
    return _page(request, deed, foreseen, form, outcome=outcome)


def _do(
    deed: Deed, found: "QuerySet[Agent]", said: Mapping[str, Any], *, expected: int, request: MemberRequest
) -> Outcome:
    by = principal(request)
    if deed == Deed.OWNER:
        return many_agents.give(found, said["owner"], by=by, expected=expected)
    if deed == Deed.CONFIRM:
        return many_agents.ask_owners(found, by=by, expected=expected)
    verb = many_agents.pause if deed == Deed.PAUSE else many_agents.resume
    return verb(found, by=by, reason=said["reason"], expected=expected)


def _page(
    request: MemberRequest,
    deed: Deed,
    foreseen: many_agents.Preview,
    form: Counted,
    *,
    outcome: Outcome | None = None,
    status: int = 200,
) -> HttpResponse:
    content = {"words": WORDS[deed], "foreseen": foreseen, "form": form, "outcome": outcome}
    return render(request, "console/many_agents.html", content, status=status)
