"""Scopes of a resource: writing the words that people read, seen as they will be read."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from console.access import for_act, principal
from console.admin.resource_forms import ScopeForm
from console.admin.resources import resource_of, version_of
from console.admin.retire_form import question
from console.attempt import attempt
from delegations import preview, reach
from tenants import resources
from tenants.actions import ScopeWords
from tenants.models import ResourceServer, Scope
from tenants.roles import Act, may
from tokens.endpoints.request import MemberRequest

NEW = "new-scope"


@for_act(Act.RESOURCES_WRITE)
def add(request: MemberRequest, resource_id: str) -> HttpResponse:
    # The access check leads here with the name that it found missing.
    drafted = {"name": request.GET["name"]} if "name" in request.GET else {}
    server, form = resource_of(resource_id), ScopeForm(request.POST or None, initial=drafted)
    if request.method == "POST" and "show" not in request.POST and form.is_valid():
        words = ScopeWords(**form.cleaned_data)
        refused = attempt(lambda: resources.add_scope(server, words, by=principal(request)))
        if not refused:
            return redirect("console-resource", resource_id)
        form.add_error("name", refused)
    return _form(request, server, form)


@for_act(Act.RESOURCES_WRITE)
def change(request: MemberRequest, resource_id: str, name: str) -> HttpResponse:
    server = resource_of(resource_id)
    scope = get_object_or_404(Scope.objects.select_related("resource_server"), resource_server=server, name=name)
    words = {field: getattr(scope, field) for field in ScopeForm.base_fields}
    form = ScopeForm({**request.POST.dict(), "name": name} if request.method == "POST" else None, initial=words)
    form.fields["name"].disabled = True
    if request.method == "POST" and "show" not in request.POST and form.is_valid():
        said = {field: value for field, value in form.cleaned_data.items() if field != "name"}
        version = version_of(request)
        refused = attempt(lambda: resources.change_scope(scope, by=principal(request), version=version, **said))
        if not refused:
            return redirect("console-resource", resource_id)
        form.add_error(None, refused)
    return _form(request, server, form, scope=scope)


def _form(request: MemberRequest, server: ResourceServer, form: ScopeForm, scope: Scope | None = None) -> HttpResponse:
    is_right = form.is_valid() if form.is_bound else True
    words = {**form.initial, **(form.cleaned_data if form.is_bound else {})}
    draft = Scope(**{field: value for field, value in words.items() if field in ScopeForm.base_fields})
    others = [each for each in server.scopes.all() if scope is None or each.pk != scope.pk]
    held = reach.of_scope(scope, now=timezone.now()) if scope else None
    may_retire = may(request.member, Act.RESOURCES_RETIRE)
    content = {
        "server": server,
        "scope": scope,
        "form": form,
        "held": held,
        "may_retire": may_retire,
        "carries": ("name", scope.name) if scope else None,
        "question": question(request, server, held, scope=scope) if held and may_retire else None,
        "preview": preview.of_scopes(server.name, [draft] if draft.title else [], [*others]),
    }
    return render(request, "console/scope.html", content, status=200 if is_right or "show" in request.POST else 422)
