"""Importing scopes: what a description of a resource proposes, changed and ticked before anything is added."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from console.access import for_act, principal
from console.admin.import_forms import SHOWN, DescriptionForm, proposed, rows_of, rows_said, ticked
from console.admin.resources import resource_of
from console.attempt import attempt
from tenants import resources
from tenants.describing.values import Described
from tenants.models import ResourceServer
from tenants.roles import Act
from tokens.endpoints.request import MemberRequest
from trust import descriptions

NONE_TICKED = _("Tick at least one of them.")


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.RESOURCES_WRITE)
def view(request: MemberRequest, resource_id: str) -> HttpResponse:
    server = resource_of(resource_id)
    if request.method != "POST":
        return _page(request, server, DescriptionForm())
    if "add" in request.POST:
        return _add(request, server)
    form = DescriptionForm(request.POST, request.FILES)
    found: list[Described] = []
    if form.is_valid():
        refused = attempt(lambda: found.append(_look(request, server, form)))
        if refused:
            form.add_error(None, refused)
    return _page(request, server, form, *found)


def _look(request: MemberRequest, server: ResourceServer, form: DescriptionForm) -> Described:
    said, by = form.cleaned_data, principal(request)
    if "ask" in request.POST:
        return descriptions.propose(server, by=by, asks=True)
    return descriptions.propose(server, by=by, document=said["document"] or said["file"], url=said["url"])


def _add(request: MemberRequest, server: ResourceServer) -> HttpResponse:
    """Add what is ticked, all of it or nothing."""
    rows = rows_said(request.POST)
    words = ticked(rows, server)
    refused = attempt(lambda: resources.add_scopes(server, words, by=principal(request))) if words else ""
    if words and not refused:
        return redirect("console-resource", server.pk)
    said = refused or ("" if any(each.is_bound for each in rows) else str(NONE_TICKED))
    form = DescriptionForm(initial={name: request.POST.get(name, "") for name in ("url", "only")})
    shown = [{"form": each} for each in rows]
    content = {"server": server, "form": form, "rows": shown, "said": said, "carried": form.initial}
    return render(request, "console/import_scopes.html", content, status=422)


def _page(
    request: MemberRequest, server: ResourceServer, form: DescriptionForm, found: Described | None = None
) -> HttpResponse:
    content: dict[str, Any] = {"server": server, "form": form}
    if found is not None:
        only = form.cleaned_data["only"]
        new = proposed(found, only)
        content |= {
            "found": found,
            "rows": [{"form": form, "uses": each.uses} for form, each in zip(rows_of(new), new, strict=False)],
            "left": max(len(new) - SHOWN, 0),
            "known": sum(each.is_there for each in found.proposals),
            "carried": {"url": form.cleaned_data["url"], "only": only},
        }
    return render(request, "console/import_scopes.html", content, status=422 if form.errors else 200)
