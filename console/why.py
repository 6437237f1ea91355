"""Why a request was refused: for the person it was about, the agent's owner, and whoever looks after the tenant."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from agents.models import Client
from console import step_words
from console.access import for_members
from tenants.rules import may_see_console
from tokens.checking import history
from tokens.checking.steps import Step
from tokens.endpoints.request import MemberRequest


@for_members
def view(request: MemberRequest, entry_id: str) -> HttpResponse:
    entry = get_object_or_404(history.refusals_for(request.member), pk=entry_id)
    steps = [Step.of_json(each) for each in entry.detail.get("steps", [])]
    client = Client.objects.select_related("agent").filter(pk=entry.about_id).first()
    shown = {
        "layout": "layouts/console.html" if may_see_console(request.member) else "layouts/mine.html",
        "entry": entry,
        "name": client.agent.name if client and client.agent else entry.principal_label,
        "client_id": entry.principal_id,
        "error": entry.detail.get("error", ""),
        "steps": step_words.in_words(steps, is_refusal=True),
        "remedy": step_words.remedy(steps),
    }
    return render(request, "console/why.html", shown)
