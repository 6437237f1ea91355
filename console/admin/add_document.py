"""Adding an agent by the address of its document: it is fetched, shown, and taken. The actions are the API's own."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from agents import bringing
from agents.bringing import Preview
from agents.errors import NameTaken, Unusable
from agents.models import Agent, Approval, Client
from console.access import for_act, principal
from console.admin.agent import WAYS_IN
from console.admin.clients import GRANTS
from kit.oauth import AuthMethod, GrantType
from tenants.models import Tenant
from tenants.roles import Act
from tokens.endpoints.request import MemberRequest

THERE_ALREADY = _("An agent of this document is here already.")


class AddDocument(forms.Form):
    url = forms.CharField(
        label=_("Address of its document"),
        max_length=2000,
        widget=forms.TextInput(attrs={"inputmode": "url", "spellcheck": "false", "autocomplete": "off"}),
        help_text=_("As in https://agent.example/client.json: its client id."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.AGENTS_WRITE)
def view(request: MemberRequest) -> HttpResponse:
    """Show what a document says, and take it once that was read (`digest`)."""
    if request.method != "POST":
        return _page(request, AddDocument())
    form, digest = AddDocument(request.POST), request.POST.get("digest", "")
    if not form.is_valid():
        return _page(request, form)
    url, who, now = form.cleaned_data["url"], principal(request), timezone.now()
    try:
        if digest:
            return _taken(bringing.take(url, by=who, now=now, digest=digest))
        return _page(request, form, preview=bringing.look(url, by=who, now=now))
    except NameTaken:
        form.add_error("url", str(THERE_ALREADY))
        return _page(request, form, known=bringing.known(url))
    except Unusable as refusal:
        form.add_error("url", str(refusal))
    return _page(request, form)


def _taken(client: Client) -> HttpResponse:
    """Return to where something is to be done about it: to the question, if one is open."""
    waiting = Approval.objects.filter(agent=client.agent_id, status=Approval.Status.WAITING).first()
    if waiting is None:
        return redirect("console-agent", client.agent_id)
    return redirect("console-approval", waiting.pk)


def _page(
    request: MemberRequest, form: AddDocument, *, preview: Preview | None = None, known: Client | None = None
) -> HttpResponse:
    content = {
        "form": form,
        "found": _words(preview) if preview else None,
        "known": known,
        "is_off": request.tenant.documents == Tenant.Registration.OFF,
    }
    return render(request, "console/add_document.html", content, status=422 if form.errors else 200)


def _words(preview: Preview) -> dict[str, Any]:
    """Return what a document says as the page shows it."""
    client = preview.client
    grants = [GRANTS.get(GrantType(each), each) for each in client.grant_types]
    return {
        "name": client.name,
        "initials": Agent(name=client.name).initials,
        "host": client.host,
        "is_verified": client.is_verified,
        "url": client.client_id,
        "redirects": client.redirect_uris,
        "method": WAYS_IN[AuthMethod(client.auth_method)],
        "grants": grants,
        "scopes": preview.scopes,
        "pages": sorted(value for name, value in client.metadata.items() if name.endswith("_uri")),
        "vouched_by": preview.vouched_by,
        "unknown": preview.unknown,
        "risks": preview.risks,
        "is_free": preview.is_free,
        "digest": preview.digest,
    }
