"""Pausing, resuming, ending and restoring an agent: a page that says whom and what it reaches, and the button."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from agents.errors import NotActive, Ownerless, Unusable
from agents.models import Agent
from agents.owning import STOPS
from agents.rules import Verb, is_possible
from console import kept
from console.access import View, for_admins, for_agent, for_present_members, principal
from console.counted import Counted
from console.impact_words import impact_words
from tenants.errors import Stale
from tenants.roles import Act
from tokens import impact, stops
from tokens.endpoints.request import MemberRequest

_NAMES = {Verb.PAUSE: "pause", Verb.RESUME: "resume", Verb.RETIRE: "end", Verb.RESTORE: "restore"}
CHANGED = _("Something about this agent changed while you read. Look again.")


@dataclass(frozen=True, slots=True)
class Words:
    """How a page asks for a verb: its button, what happens, and what becomes of whom it reaches."""

    button: str | Promise
    lede: str | Promise
    reaches: str | Promise
    style: str = "primary"
    is_end: bool = False
    """Whether it needs a reason, and the number of those it acts for where they are many."""


WORDS = {
    Verb.PAUSE: Words(
        _("Pause"),
        _("From that moment it gets no token, and acts for nobody until somebody resumes it. Nothing is lost."),
        _("What stops meanwhile"),
        style="risk-fill",
    ),
    Verb.RESUME: Words(
        _("Resume"),
        _("It acts again for everybody who still allows it to."),
        _("What comes back"),
    ),
    Verb.RETIRE: Words(
        _("End"),
        _("From that moment nothing of it works. For thirty days it may be restored; then it is over for good."),
        _("What ends with it"),
        style="risk-fill",
        is_end=True,
    ),
    Verb.RESTORE: Words(
        _("Restore"),
        _("It comes back as it was, with its credentials and all that people still allow it."),
        _("What comes back"),
    ),
}


class VerbForm(Counted):
    reason = forms.CharField(label=_("Why? You may leave this empty"), max_length=500, required=False)

    def __init__(self, *args: Any, words: Words, people: int, **kwargs: Any) -> None:
        super().__init__(*args, reaches=people if words.is_end else 0, **kwargs)
        self.fields["number"].label, why = _("How many people"), self.fields["reason"]
        why.widget.attrs["autocomplete"] = "off"
        if words.is_end:
            why.label, why.required = _("Why? It stays on record"), True
            why.widget.is_required = True
            why.error_messages["required"] = _("Whoever ends an agent says why.")


def _page(verb: Verb) -> View:
    def view(request: MemberRequest, agent_id: str) -> HttpResponse:
        agent = get_object_or_404(Agent, pk=agent_id)
        return _act(request, agent, verb) if request.method == "POST" else _ask(request, agent, verb)

    # What is hard to take back asks who is there: docs/decisions/0033-who-is-there.md.
    guarded = for_present_members(view) if verb == Verb.RETIRE else view
    admitted = for_agent(Act.AGENTS_PAUSE) if verb in STOPS else for_admins
    return require_http_methods(["GET", "HEAD", "POST"])(admitted(guarded))


pause, resume, end, restore = (_page(verb) for verb in (Verb.PAUSE, Verb.RESUME, Verb.RETIRE, Verb.RESTORE))


def _act(request: MemberRequest, agent: Agent, verb: Verb) -> HttpResponse:
    text, from_the_list = request.POST.get("version", ""), "version" not in request.POST
    people = impact.of_agent(agent, now=timezone.now()).people if WORDS[verb].is_end else 0
    form = VerbForm(request.POST, words=WORDS[verb], people=people)
    if not form.is_valid():
        return _ask(request, agent, verb, form=form, status=409 if form.has_moved else 422)
    reason = form.cleaned_data["reason"]
    version = None if from_the_list else int(text) if text.isdecimal() and len(text) < 18 else 0
    try:
        stops.ON_AGENTS[verb](agent, by=principal(request), reason=reason, version=version)
    except NotActive:
        pass  # Somebody was faster, or it never acted.
    except (Ownerless, Unusable) as refusal:
        return _ask(request, agent, verb, said=str(refusal), status=422)
    except Stale:
        return _ask(request, Agent.objects.get(pk=agent.pk), verb, said=str(CHANGED), status=409)
    return _back(request) if from_the_list else redirect("console-agent", agent.pk)


def _ask(
    request: MemberRequest,
    agent: Agent,
    verb: Verb,
    *,
    form: VerbForm | None = None,
    said: str = "",
    status: int = 200,
) -> HttpResponse:
    now, words = timezone.now(), WORDS[verb]
    if not is_possible(verb, agent, now=now):
        return redirect("console-agent", agent.pk)
    reach = impact.of_agent(agent, now=now)
    content = {
        "agent": agent,
        "verb": verb.value,
        "words": words,
        "form": form or VerbForm(words=words, people=reach.people, initial=_typed(request, agent, verb)),
        "impact": impact_words(reach, now=now, time_zone=request.tenant.time_zone),
        "said": said,
    }
    return render(request, "console/agent_verb.html", content, status=status)


def _typed(request: MemberRequest, agent: Agent, verb: Verb) -> dict[str, Any]:
    """Return what this person typed here before they had to sign in."""
    return kept.initial(request, f"{_NAMES[verb]}-agent", agent_id=agent.pk)


def _back(request: MemberRequest) -> HttpResponse:
    """Return to the list as it was narrowed, and to the same page of it."""
    query = request.GET.urlencode()
    return redirect(f"{reverse('console-agents')}{'?' if query else ''}{query}")
