"""Pausing the tenant: what happens is said first, and whoever proved minutes ago who they are types its name."""

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from console import kept
from console.access import for_act, for_present_members, principal
from console.attempt import attempt
from tenants.roles import Act
from tokens import stops
from tokens.endpoints.request import MemberRequest


class Pause(forms.Form):
    name = forms.CharField(max_length=100, label=_("The name of the organisation"))
    reason = forms.CharField(max_length=500, label=_("Why"), help_text=_("Everybody who has a place here reads it."))


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.TENANT_PAUSE)
@for_present_members
def view(request: MemberRequest) -> HttpResponse:
    is_sent = request.method == "POST"
    form = Pause(request.POST if is_sent else None, initial=kept.initial(request, "pause-tenant"))
    if is_sent and form.is_valid():
        words, tenant = form.cleaned_data, request.tenant
        refused = attempt(lambda: stops.pause_tenant(tenant, by=principal(request), **words))
        if not refused:
            return redirect("home")
        form.add_error("name", refused)
    return render(request, "console/pause_tenant.html", {"form": form}, status=422 if is_sent else 200)
