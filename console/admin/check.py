"""The access check: may this agent do that there, for whom, right now, and if not, what would allow it?

The address holds the question, so that it can be shown to somebody else; only the button asks it: asking is recorded.
"""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from agents.models import Agent
from console import remedies, snippets, step_words
from console.access import for_keepers, principal
from delegations.sentence import in_words
from tenants import directory
from tenants.models import Membership
from tokens.checking import authority
from tokens.checking.authority import Question, Verdict
from tokens.endpoints.request import MemberRequest

MAX_CHAIN = 16


class CheckForm(forms.Form):
    """A question in the words that people have: an agent's name or id, a person's mail address, scopes."""

    agent = forms.CharField(label=_("Agent"), max_length=100, help_text=_("Its name or its id."))
    person = forms.CharField(
        label=_("For whom"), max_length=254, required=False, help_text=_("A mail address. Empty: for itself.")
    )
    through = forms.CharField(
        label=_("Passed on by"), max_length=1000, required=False, help_text=_("Agents before it, with commas between.")
    )
    resource = forms.ChoiceField(label=_("Where"))
    scopes = forms.CharField(
        label=_("Scopes"), max_length=2000, required=False, help_text=_("With spaces between. Empty: whatever it can.")
    )

    def __init__(self, *args: Any, **fields: Any) -> None:
        super().__init__(*args, **fields)
        known = sorted((each.server.name, identifier) for identifier, each in directory.resource_servers().items())
        choices = self.fields["resource"]
        assert isinstance(choices, forms.ChoiceField)
        choices.choices = [(identifier, name) for name, identifier in known]

    def clean_agent(self) -> Agent:
        return _agent(self.cleaned_data["agent"])

    def clean_person(self) -> Membership | None:
        email = self.cleaned_data["person"].strip().lower()
        if not email:
            return None
        found = Membership.objects.select_related("user").filter(user__email=email).first()
        if found is None:
            raise forms.ValidationError(_("Nobody here has this mail address."))
        return found

    def clean_through(self) -> tuple[Agent, ...]:
        names = [name.strip() for name in self.cleaned_data["through"].split(",") if name.strip()]
        if len(names) > MAX_CHAIN:
            raise forms.ValidationError(_("That is a longer chain than any organisation allows."))
        return tuple(_agent(name) for name in names)

    def question(self) -> Question:
        said = self.cleaned_data
        return Question(
            agent=said["agent"],
            resource=said["resource"],
            person=said["person"],
            chain=said["through"],
            scopes=frozenset(said["scopes"].split()),
        )


@require_http_methods(["GET", "HEAD", "POST"])
@for_keepers
def view(request: MemberRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, CheckForm(initial=request.GET.dict()))
    form = CheckForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    verdict = authority.judge(request.tenant, form.question(), now=timezone.now(), by=principal(request))
    return _page(request, form, verdict)


def _page(request: MemberRequest, form: CheckForm, verdict: Verdict | None = None, status: int = 200) -> HttpResponse:
    shown: dict[str, Any] = {"form": form}
    if verdict is not None:
        zone = request.tenant.time_zone
        shown |= {
            "is_judged": True,
            "snippet": snippets.check(request.tenant, form.question()),
            "is_allowed": verdict.is_allowed,
            "steps": step_words.in_words(verdict.steps),
            "remedy": step_words.remedy(verdict.steps),
            "places": (places := remedies.places(form.question(), verdict.steps, request.member)),
            "is_drafted": any(each.is_drafted for each in places),
            "scopes": sorted(verdict.scopes),
            "until": in_words(verdict.expires_at, now=timezone.now(), time_zone=zone) if verdict.expires_at else "",
        }
    return render(request, "console/check.html", shown, status=status)


def _agent(name_or_id: str) -> Agent:
    """Return the one agent that a text names; raises ValidationError for none and for several."""
    text = name_or_id.strip()
    found = list(Agent.objects.filter(pk=text)[:1] or Agent.objects.filter(name__iexact=text)[:2])
    if not found:
        raise forms.ValidationError(_("No agent here has the name or id “%(name)s”."), params={"name": text})
    if len(found) > 1:
        raise forms.ValidationError(_("Several agents are called “%(name)s”: use the id."), params={"name": text})
    return found[0]
