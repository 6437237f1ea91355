"""Adding and removing a passkey."""

from typing import Any

from allauth.mfa.webauthn import views
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from allauth.mfa.webauthn.internal import auth
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy
from fido2.webauthn import RegistrationResponse

from console.access import for_fresh_members
from console.entrance.first_proof import first_proof
from console.entrance.passkeys import is_ours
from console.me.factors import recorded

MAX_NAME = 60


class AddForm(AddWebAuthnForm):
    # Every passkey of ours signs in by itself, and proves the person and not only the device: nothing to choose.
    passwordless = None

    def clean_name(self) -> str:
        return str(super().clean_name())[:MAX_NAME]

    def clean_credential(self) -> Any:
        answer = self.cleaned_data["credential"]
        if not is_ours(answer, RegistrationResponse):
            raise ValidationError(gettext_lazy("This device did not make a passkey for this address. Try again."))
        return answer


class Add(views.AddWebAuthnView):
    form_class = AddForm
    template_name = "me/add_passkey.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # The base asks for any key at all: this replaces its challenge.
        context = super().get_context_data(**kwargs)
        options = {"creation_options": auth.begin_registration(self.request.user, True)}
        return {**context, **kwargs, "js_data": options, "first": first_proof(self.request.member)}

    def form_valid(self, form: AddForm) -> HttpResponse:
        with recorded(self.request):
            response: HttpResponse = super().form_valid(form)
        return response


class Remove(views.RemoveWebAuthnView):
    template_name = "me/remove_passkey.html"
    success_url = reverse_lazy("mfa_index")

    def form_valid(self, form: Any) -> HttpResponse:
        with recorded(self.request):
            response: HttpResponse = super().form_valid(form)
        return response


add = for_fresh_members(Add.as_view())
remove = for_fresh_members(Remove.as_view())
