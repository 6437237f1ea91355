"""Signing in again: what an agent's request or a change of factors asks for; with the password, a code or a passkey."""

from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import ReauthenticateView as CodeView
from allauth.mfa.models import Authenticator
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode

from audit.events import Event
from console.entrance import proving
from console.entrance.codes import AgainForm
from console.entrance.company import way_again
from console.entrance.places import methods_used, write_down
from tokens.endpoints.request import MemberRequest


class Again:
    """What the ways have in common: the page says what for, and the ledger with what it was proved."""

    request: MemberRequest

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        content: dict[str, object] = super().get_context_data(**kwargs)  # type: ignore[misc]  # As below.
        return {**content, "proving": proving.words(self.request)}

    def form_valid(self, form: Form) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)  # type: ignore[misc]  # allauth's view follows.
        user = self.request.member.user
        write_down(Event.SIGNED_IN_AGAIN, user, methods_used(self.request, user)[-1:])
        return response


class ByPassword(Again, ReauthenticateView):
    """`/login/again`: for people without a factor; others are sent on, those without a password to their company."""

    template_name = "account/again.html"

    def dispatch(self, request: MemberRequest, *args: object, **kwargs: object) -> HttpResponse:
        member = request.member
        has_none = member is not None and not member.user.has_usable_password()
        if has_none and not Authenticator.objects.filter(user=member.user).exists() and (way := way_again(member)):
            return redirect(f"{way}&{urlencode({'next': request.GET.get('next', '')})}")
        response: HttpResponse = super().dispatch(request, *args, **kwargs)
        return response


class ByCode(Again, CodeView):
    """`/login/again/code`"""

    form_class = AgainForm
    template_name = "account/again_code.html"
