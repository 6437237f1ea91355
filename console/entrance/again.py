"""Signing in again: what an agent's request or a change of factors asks for; with the password, a code or a passkey."""

from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import ReauthenticateView as CodeView
from django.forms import Form
from django.http import HttpResponse

from audit.events import Event
from console.entrance.codes import AgainForm
from console.entrance.places import methods_used, write_down
from tokens.endpoints.request import MemberRequest


class Again:
    """What the ways have in common: the ledger says with what it was proved."""

    request: MemberRequest

    def form_valid(self, form: Form) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)  # type: ignore[misc]  # allauth's view follows.
        user = self.request.member.user
        write_down(Event.SIGNED_IN_AGAIN, user, methods_used(self.request, user)[-1:])
        return response


class ByPassword(Again, ReauthenticateView):
    """`/login/again`: for people without a factor; others are sent on."""

    template_name = "account/again.html"


class ByCode(Again, CodeView):
    """`/login/again/code`"""

    form_class = AgainForm
    template_name = "account/again_code.html"
