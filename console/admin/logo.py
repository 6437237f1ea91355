"""The tenant's logo: sent as a file on the page of settings, and taken away again."""

from django import forms
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from console.access import for_act, principal
from console.admin.settings import show
from console.attempt import attempt
from tenants import logo
from tenants.roles import Act
from tokens.endpoints.request import MemberRequest


class LogoForm(forms.Form):
    picture = forms.FileField()


@require_POST
@for_act(Act.SETTINGS_WRITE)
def change(request: MemberRequest) -> HttpResponse:
    form = LogoForm(request.POST, request.FILES)
    if not form.is_valid():
        return show(request, said=gettext("Choose a picture first."), status=422)
    # One byte more than is taken says that it is too large; the rest of it is not read.
    raw = form.cleaned_data["picture"].read(logo.LARGEST + 1)
    if refused := attempt(lambda: logo.set_logo(request.tenant, raw, by=principal(request))):
        return show(request, said=refused, status=422)
    return redirect(f"{reverse('console-settings')}#logo")


@require_POST
@for_act(Act.SETTINGS_WRITE)
def remove(request: MemberRequest) -> HttpResponse:
    logo.remove_logo(request.tenant, by=principal(request))
    return redirect(f"{reverse('console-settings')}#logo")
