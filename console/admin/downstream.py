"""What lies behind a resource: the resources that what may call it is exchanged for, scope by scope."""

from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from console.access import for_act, principal
from console.admin.resources import resource_of, version_of
from console.admin.trust_forms import ByResource
from console.attempt import attempt
from tenants import directory, resources
from tenants.models import ResourceServer
from tenants.roles import Act
from tokens.endpoints.request import MemberRequest


class DownstreamForm(forms.Form):
    to = forms.ChoiceField(label=_("What lies behind it"))
    scopes = ByResource(
        label=_("Which scopes there each scope here stands for"),
        help_text=_("One a line: the scope here, and behind it those there. A scope that is not named opens nothing."),
    )

    def __init__(self, server: ResourceServer, said: Any = None) -> None:
        super().__init__(said)
        api = directory.current().api_identifier
        known = sorted(directory.resource_servers().values(), key=lambda each: each.server.name)
        others = [each.server for each in known if each.server.identifier not in (server.identifier, api)]
        chosen = self.fields["to"]
        assert isinstance(chosen, forms.ChoiceField)
        chosen.choices = [(each.pk, f"{each.name}, {each.identifier}") for each in others]


@for_act(Act.RESOURCES_RETIRE)
def add(request: MemberRequest, resource_id: str) -> HttpResponse:
    server = resource_of(resource_id)
    form = DownstreamForm(server, request.POST or None)
    if request.method == "POST" and form.is_valid():
        to, said, version = resource_of(form.cleaned_data["to"]), form.cleaned_data["scopes"], version_of(request)
        refused = attempt(lambda: resources.allow_downstream(server, to, said, by=principal(request), version=version))
        if not refused:
            return redirect("console-resource", server.pk)
        form.add_error(None, refused)
    content = {"server": server, "form": form, "scopes": list(server.scopes.all())}
    return render(request, "console/add_downstream.html", content, status=422 if form.errors else 200)


@require_POST
@for_act(Act.RESOURCES_RETIRE)
def forbid(request: MemberRequest, resource_id: str, to_id: str) -> HttpResponse:
    resources.forbid_downstream(resource_of(resource_id), resource_of(to_id), by=principal(request))
    return redirect("console-resource", resource_id)
