"""The page after the password, for people who set up a factor: a code, or a passkey."""

from typing import Any

from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator

from console.entrance import codes, company, passkeys, places


class Prove(AuthenticateView):
    """`/login/second-factor`"""

    form_class = codes.SecondFactorForm
    webauthn_form_class = passkeys.SecondFactorForm
    template_name = "account/second_factor.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        held = Authenticator.objects.filter(user_id=self.stage.login.user.pk)
        types = set(held.values_list("type", flat=True))
        has = {"has_app": Authenticator.Type.TOTP in types, "has_passkey": Authenticator.Type.WEBAUTHN in types}
        is_by_company = places.methods_used(self.request, self.stage.login.user)[-1:] == [company.METHOD]
        return {**super().get_context_data(**kwargs), **has, "is_by_company": is_by_company}
