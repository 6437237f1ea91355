"""Why a request was refused: for the person it was about, the agent's owner, and whoever looks after the tenant."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext

from agents.models import Agent, Client
from audit.models import Entry
from console import snippets, step_words
from console.access import for_members
from delegations.entry_names import resource_name
from delegations.models import Delegation
from tenants import directory
from tenants.models import Membership
from tenants.roles import Act, may
from tenants.rules import may_see_console
from tokens.checking import history
from tokens.checking.authority import Question
from tokens.checking.steps import Step
from tokens.endpoints.request import MemberRequest


@for_members
def view(request: MemberRequest, entry_id: str) -> HttpResponse:
    entry = get_object_or_404(history.refusals_for(request.member), pk=entry_id)
    steps = [Step.of_json(each) for each in entry.detail.get("steps", [])]
    client = Client.objects.select_related("agent").filter(pk=entry.about_id).first()
    may_read = may(request.member, Act.EVENTS_READ)
    question = _question(entry, client, steps)
    shown = {
        "layout": "layouts/console.html" if may_see_console(request.member) else "layouts/mine.html",
        "is_mine": not may_see_console(request.member),
        "up_url": reverse("console-activity" if may_read else "my-activity"),
        "asked": _asked(question),
        "snippet": snippets.check(request.tenant, question) if question else "",
        "check_url": _check_url(question) if question and may_see_console(request.member) else "",
        "entry": entry,
        "at": entry.at.astimezone(ZoneInfo(request.tenant.time_zone)),
        "name": client.agent.name if client and client.agent else entry.principal_label,
        "client_id": entry.principal_id,
        "error": entry.detail.get("error", ""),
        "steps": step_words.in_words(steps, is_refusal=True),
        "remedy": step_words.remedy(steps),
    }
    return render(request, "console/why.html", shown)


def _question(entry: Entry, client: Client | None, steps: Sequence[Step]) -> Question | None:
    """Return what was asked, for whoever asks it again; None where it named no agent, or no resource that is here."""
    if client is None or client.agent is None:
        return None
    resource = str(entry.detail.get("audience", "")) or _only_place(client.agent, entry.on_behalf_of)
    if resource not in directory.resource_servers():
        return None
    person = Membership.objects.select_related("user").filter(pk=entry.on_behalf_of).first()
    scopes = next((step.said.split() for step in steps if step.name == "scopes"), [])
    return Question(agent=client.agent, resource=resource, person=person, scopes=frozenset(scopes))


def _only_place(agent: Agent, subject: str) -> str:
    """Return where an agent acts for somebody, where that is one place: a request that names none means it."""
    held = Delegation.objects.live(timezone.now()).filter(agent=agent, subject=subject)
    places = list(held.order_by().values_list("audience", flat=True).distinct()[:2])
    return places[0] if len(places) == 1 else ""


def _asked(question: Question | None) -> str:
    """Say in short what was asked, for the title."""
    if question is None:
        return ""
    facts = {"what": " ".join(sorted(question.scopes)), "place": resource_name(question.resource)}
    return gettext("%(what)s on %(place)s") % facts if question.scopes else gettext("on %(place)s") % facts


def _check_url(question: Question) -> str:
    words = {"agent": question.agent.pk, "resource": question.resource, "scopes": " ".join(sorted(question.scopes))}
    person = {"person": question.person.email} if question.person else {}
    return f"{reverse('console-check')}?{urlencode({**words, **person})}"
