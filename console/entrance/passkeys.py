"""Passkeys at the door: what a browser's authenticator answers, and whether it opens this tenant."""

from typing import Any, NoReturn

from allauth.account.forms import LoginForm
from allauth.account.mixins import NextRedirectMixin
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms, views
from django.conf import settings
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpResponse
from django.utils.translation import gettext_lazy
from fido2.utils import websafe_decode
from fido2.webauthn import AuthenticationResponse, RegistrationResponse

from audit.events import Event
from console.entrance.again import Again
from console.entrance.door import Door
from console.entrance.places import place_of, write_down
from tenants.models import User
from tokens.endpoints.circumstances import PASSKEY

# What a hostile browser may leave out of its answer, or fill with the wrong type.
_MALFORMED = (AttributeError, KeyError, TypeError, ValueError)
_THROTTLED = "too_many_login_attempts"


def is_ours(answer: Any, kind: type[AuthenticationResponse] | type[RegistrationResponse]) -> bool:
    """Say whether an answer is whole, and was made in a page of our own origin (WebAuthn §7.1 step 9, §7.2 step 13).

    The library takes any subdomain of the relying party for its origin, and on loopback any origin at all.
    """
    try:
        client = kind.from_dict(answer).response.client_data
        return client.origin == settings.PUBLIC_ORIGIN and not client.cross_origin
    except _MALFORMED:
        return False


class _Proof(Form):
    """A passkey's answer as a proof: one refusal for unknown, removed, wrong, and of no place here."""

    user: User | None

    def clean_credential(self) -> Authenticator:
        answer = self.cleaned_data["credential"]
        person = self.user or _claimed(answer)
        if person is None:
            _refuse()
        if not is_ours(answer, AuthenticationResponse) or place_of(person) is None:
            _refuse(person)
        try:
            passkey: Authenticator = super().clean_credential()  # type: ignore[misc]  # allauth's form follows.
        except ValidationError as refusal:
            if refusal.code == _THROTTLED:
                raise
            _refuse(person)
        return passkey


class SignInForm(_Proof, forms.LoginWebAuthnForm):
    """The passkey instead of the password."""


class SecondFactorForm(_Proof, forms.AuthenticateWebAuthnForm):
    """The passkey after the password."""


class AgainForm(_Proof, forms.ReauthenticateWebAuthnForm):
    """The passkey that proves again who is signed in."""


class SignIn(Door, NextRedirectMixin, views.LoginWebAuthnView):
    """`/login/passkey`: a challenge for a script that asks for one, and the passkey's answer to it."""

    form_class = SignInForm
    template_name = "account/login.html"

    def form_invalid(self, form: SignInForm) -> HttpResponse:
        refusals = form.errors.get("credential")
        page = self.get_context_data(form=LoginForm(request=self.request), passkey_errors=refusals)
        response: HttpResponse = self.render_to_response(page)
        return response


class ProveAgain(Again, views.ReauthenticateWebAuthnView):
    """`/login/again/passkey`"""

    form_class = AgainForm
    template_name = "account/again_passkey.html"

    def form_invalid(self, form: AgainForm) -> HttpResponse:
        response: HttpResponse = self.render_to_response({**self.get_context_data(), "form": form})
        return response


def _claimed(answer: Any) -> User | None:
    """Return the person that an answer names; nothing of it is proved yet."""
    try:
        handle = websafe_decode(answer["response"]["userHandle"]).decode("ascii")
    except _MALFORMED:
        return None
    # A database that is asked for what cannot be a name answers with an error (PostgreSQL: NUL in a text).
    return User.objects.filter(pk=handle).first() if handle.isprintable() else None


def _refuse(person: User | None = None) -> NoReturn:
    if person is not None:
        write_down(Event.SIGN_IN_REFUSED, person, [PASSKEY])
    words = gettext_lazy("This passkey does not open an account here. Use another one, or your password.")
    raise ValidationError(words, code="passkey_refused")
