"""A resource: how it is called, how it checks tokens, and what people read of its scopes. The list: `resource_list`."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from console.access import for_act, principal
from console.admin.resource_forms import AddResource, ChangeResource
from console.admin.resource_list import check_words
from console.admin.retire_form import question
from console.attempt import attempt
from delegations import preview, reach
from tenants import actions, resources, taken_away
from tenants.directory import current
from tenants.errors import TenantError
from tenants.models import Downstream, ResourceServer
from tenants.roles import Act, may
from tokens.endpoints.request import MemberRequest


@for_act(Act.RESOURCES_WRITE)
def add(request: MemberRequest) -> HttpResponse:
    form = AddResource(request.POST or None, initial={"identifier": request.GET.get("identifier", "")})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            made = actions.add_resource_server(
                said["identifier"],
                said["name"],
                [],
                by=principal(request),
                kind=said["kind"],
                token_format=said["token_format"],
            )
        except TenantError as error:
            form.add_error("identifier", str(error))
        else:
            return redirect("console-resource", made.pk)
    return render(request, "console/add_resource.html", {"form": form}, status=422 if form.errors else 200)


@for_act(Act.RESOURCES_READ)
def one(request: MemberRequest, resource_id: str) -> HttpResponse:
    return show(request, resource_of(resource_id))


@require_POST
@for_act(Act.RESOURCES_WRITE)
def change(request: MemberRequest, resource_id: str) -> HttpResponse:
    server, form = resource_of(resource_id), ChangeResource(request.POST)
    if form.is_valid():
        said, version = dict(form.cleaned_data), version_of(request)
        refused = attempt(lambda: resources.change_resource(server, by=principal(request), version=version, **said))
        if refused:
            return show(request, resource_of(resource_id), said=refused, status=409)
        return redirect("console-resource", resource_id)
    return show(request, server, form=form, status=422)


def resource_of(resource_id: str) -> ResourceServer:
    return get_object_or_404(ResourceServer.objects.prefetch_related("scopes"), pk=resource_id)


def version_of(request: MemberRequest) -> int:
    """Return the version that the person read; 0, which nothing has, where the form was made up."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def show(
    request: MemberRequest, server: ResourceServer, *, form: Any = None, said: str = "", status: int = 200
) -> HttpResponse:
    """Show a resource; `said` is what could not be done."""
    fields = ("name", "kind", "token_format", "signing_algorithm", "asks_each_time", "hosts_metadata")
    now, is_own = timezone.now(), server.identifier == current().api_identifier
    is_open = server.retired_at is None and not is_own
    may_retire, scopes = not is_own and may(request.member, Act.RESOURCES_RETIRE), list(server.scopes.all())
    reached = reach.of_resource(server, now=now)
    content = {
        "server": server,
        "scopes": scopes,
        "form": form or ChangeResource(initial={name: getattr(server, name) for name in fields}),
        "reach": reached,
        "question": question(request, server, reached) if may_retire and is_open else None,
        "taken": taken_away.of_resource(server, now=now, there=[each.name for each in scopes])
        if may_retire and is_open
        else (),
        "checks": check_words(server, request.tenant, now=now),
        "preview": preview.of_resource(server, None),
        "is_own": is_own,
        "may_change": is_open and may(request.member, Act.RESOURCES_WRITE),
        "edges": Downstream.objects.filter(upstream=server)
        .select_related("downstream")
        .order_by("downstream__name", "pk"),
        "may_join": is_open and may_retire,
        "may_retire": may_retire,
        "said": said,
    }
    return render(request, "console/resource.html", content, status=status)
