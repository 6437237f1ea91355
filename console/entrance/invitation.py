"""Taking the place that an invitation keeps. Opening the link does nothing: programs that read mail open links too."""

from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from tenants import members
from tenants.errors import NotActive
from tenants.models import Membership, User
from tokens.endpoints.request import TenantRequest


class NewPerson(forms.Form):
    """What somebody says of themselves who was never here. Whoever is known says nothing: they sign in as always."""

    name = forms.CharField(label=_("Your name"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        label=_("A password, of 12 characters or more"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        user = User(email=self.email, name=self.cleaned_data.get("name", ""))
        password_validation.validate_password(password, user)
        return password


@never_cache
@require_http_methods(["GET", "POST"])
def view(request: TenantRequest, secret: str) -> HttpResponse:
    found = members.invitation_of(secret, now=timezone.now())
    if found is None:
        return _over(request)
    form = None if members.known(found.email) else NewPerson(request.POST or None, email=found.email)
    if request.method == "POST" and (form is None or form.is_valid()):
        said = form.cleaned_data if form else {"name": "", "password": ""}
        try:
            members.join(secret, name=said["name"], password=said["password"], now=timezone.now())
        except NotActive:
            return _over(request)
        return redirect("account_login")
    role = Membership.Role(found.role).label
    content = {"invitation": found, "role": role, "form": form, "by": str(found.invited_by)}
    return render(request, "account/invitation.html", content)


def _over(request: TenantRequest) -> HttpResponse:
    return render(request, "account/invitation_over.html", status=404)
