"""What only an admin turns of a client: as whom it appears, what its assertions may say, whose tokens stand for it."""

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from agents import credentials, switches
from agents.models import Client
from console.access import for_act, must_prove_again, principal, prove_again
from console.admin import clients
from console.admin.resources import version_of
from console.admin.switch_forms import PlatformForm, SwitchForm
from console.attempt import attempt
from tenants.roles import Act
from tokens.endpoints.request import MemberRequest


@require_POST
@for_act(Act.CLIENTS_WRITE)
def turn(request: MemberRequest, agent_id: str, client_id: str) -> HttpResponse:
    client, form = clients.one(agent_id, client_id), SwitchForm(request.POST)
    if must_prove_again(request):
        return prove_again(request, reverse("console-client", args=[client.agent_id, client.pk]))
    if not form.is_valid():
        return clients.view(
            request, agent_id, client_id, said=" ".join(map(str, form.errors["exchange_actor"])), status=422
        )
    refused = attempt(lambda: _turn(client, form.cleaned_data, request))
    if refused:
        return clients.view(request, agent_id, client_id, said=refused, status=422)
    return redirect("console-client", client.agent_id, client.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.CREDENTIALS_WRITE)
def add_platform(request: MemberRequest, agent_id: str, client_id: str) -> HttpResponse:
    client, form = clients.one(agent_id, client_id), PlatformForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        told = {"claims": said["claims"] or {}, "audience": said["audience"]}
        by, issuer, subject = principal(request), said["issuer"], said["subject"]
        refused = attempt(lambda: credentials.add_platform(client, issuer, subject, by=by, **told))
        if not refused:
            return redirect("console-client", client.agent_id, client.pk)
        form.add_error(None, refused)
    content = {"agent": client.agent, "client": client, "form": form}
    return render(request, "console/platform_add.html", content, status=422 if form.errors else 200)


@transaction.atomic
def _turn(client: Client, said: dict[str, Any], request: MemberRequest) -> None:
    actor, by, version = Client.ExchangeActor(said["exchange_actor"]), principal(request), version_of(request)
    if client.is_public and actor == client.exchange_actor:
        held, last = client, version
    else:
        held, last = switches.set_exchange_actor(client, actor, by=by, version=version), None
    accept = said["accepts_endpoint_audience"]
    switches.accept_endpoint_audience(held, by=by, accept=accept, version=last)
