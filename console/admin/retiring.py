"""Retiring a resource, taking a scope away, and both back: whom it reaches is read before the button, wherever it is.

Up to a few people the question is a dialog on the page of the thing; beyond that, and where a browser opens none, it is
the page here. Both send the same form to the same view.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from console import kept
from console.access import for_act, for_present_members, principal
from console.admin.resource_list import kill_words
from console.admin.resources import resource_of, show
from console.admin.retire_form import Retiring
from console.attempt import attempt
from console.impact_words import impact_words
from delegations import reach
from delegations.reach import Reach
from tenants import resources
from tenants.models import ResourceServer, Scope
from tenants.roles import Act
from tokens import impact, stops
from tokens.endpoints.request import MemberRequest


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.RESOURCES_RETIRE)
@for_present_members
def resource(request: MemberRequest, resource_id: str) -> HttpResponse:
    server, now = resource_of(resource_id), timezone.now()
    reached = reach.of_resource(server, now=now)
    form, said = _sent(
        request, reached, lambda reason: stops.retire_resource(server, by=principal(request), reason=reason)
    )
    if form is None:
        return redirect("console-resource", resource_id)
    whom = impact_words(impact.of_resource(server, now=now), now=now, time_zone=request.tenant.time_zone)
    return _page(request, server, form, said, {"reach": reached, "whom": whom})


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.RESOURCES_RETIRE)
@for_present_members
def scope(request: MemberRequest, resource_id: str) -> HttpResponse:
    server, now = resource_of(resource_id), timezone.now()
    name = (request.POST if request.method == "POST" else request.GET).get("name", "").replace("\x00", "")
    taken = get_object_or_404(Scope.objects.select_related("resource_server"), resource_server=server, name=name)
    reached = reach.of_scope(taken, now=now)
    form, said = _sent(
        request, reached, lambda reason: resources.retire_scope(taken, by=principal(request), reason=reason)
    )
    if form is None:
        return redirect("console-resource", resource_id)
    return _page(request, server, form, said, {"reach": reached, "scope": taken})


@require_POST
@for_act(Act.RESOURCES_RETIRE)
def restore(request: MemberRequest, resource_id: str) -> HttpResponse:
    return _back(request, resource_id, lambda server: stops.restore_resource(server, by=principal(request)))


@require_POST
@for_act(Act.RESOURCES_RETIRE)
def restore_scope(request: MemberRequest, resource_id: str) -> HttpResponse:
    name = request.POST.get("name", "").replace("\x00", "")
    return _back(request, resource_id, lambda server: resources.restore_scope(server, name, by=principal(request)))


def _sent(request: MemberRequest, reached: Reach, verb: Callable[[str], object]) -> tuple[Retiring | None, str]:
    """Return the form as it is to be shown, with the words of a refusal; no form once it is done."""
    if request.method != "POST":
        typed = kept.initial(request, "retire-resource", "retire-scope")
        return Retiring(reach=reached, initial=typed), ""
    form = Retiring(request.POST, reach=reached)
    if not form.is_valid():
        return form, ""
    said = attempt(lambda: verb(form.cleaned_data["reason"]))
    return (form, said) if said else (None, "")


def _page(
    request: MemberRequest, server: ResourceServer, form: Retiring, said: str, content: Mapping[str, Any]
) -> HttpResponse:
    of = {"kill_words": kill_words(server, request.tenant), "reach": content["reach"], "scope": content.get("scope")}
    shown = {"server": server, "form": form, "said": said, "of": of, **content}
    status = 200 if not form.is_bound else 409 if said or form.has_moved else 422
    return render(request, "console/retire.html", shown, status=status)


def _back(request: MemberRequest, resource_id: str, verb: Callable[[ResourceServer], object]) -> HttpResponse:
    server = resource_of(resource_id)
    if said := attempt(lambda: verb(server)):
        return show(request, resource_of(resource_id), said=said, status=409)
    return redirect("console-resource", resource_id)
