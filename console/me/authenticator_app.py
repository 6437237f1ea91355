"""Adding and removing an authenticator app (TOTP, RFC 6238)."""

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import views
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.contrib.sessions.backends.base import SessionBase
from django.forms import Form
from django.http import HttpResponse

from console.access import for_fresh_members
from console.entrance import codes
from console.entrance.first_proof import first_proof
from console.me.factors import recorded

_PENDING = "authenticator_app"


class AddForm(ActivateTOTPForm):
    """The first code of an app. Its secret waits in the session, sealed as it will be in its row."""

    def __init__(self, *args: Any, session: SessionBase, **kwargs: Any) -> None:
        self.user = kwargs.pop("user")
        Form.__init__(self, *args, **kwargs)
        if not self.is_bound or _PENDING not in session:
            session[_PENDING] = get_adapter().encrypt(generate_totp_secret())
        self.secret = get_adapter().decrypt(session[_PENDING])
        self.step: int | None = None

    @property
    def secret_in_groups(self) -> str:
        """The secret as people type it."""
        return " ".join(self.secret[start : start + 4] for start in range(0, len(self.secret), 4))

    def clean_code(self) -> str:
        forget_failures = check_rate_limit(self.user, error_key="rate_limited")
        code = str(self.cleaned_data["code"])
        self.step = codes.step_of(self.secret, code)
        if self.step is None:
            raise get_adapter().validation_error("incorrect_code")
        forget_failures()
        return code


class Add(views.ActivateTOTPView):
    form_class = AddForm
    template_name = "me/add_app.html"

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "session": self.request.session}

    def form_valid(self, form: AddForm) -> HttpResponse:
        with recorded(self.request):
            response: HttpResponse = super().form_valid(form)
            app = Authenticator.objects.get(user_id=self.request.user.pk, type=Authenticator.Type.TOTP)
            codes.use_step(app, form.step or 0)
        del self.request.session[_PENDING]
        return response


class Remove(views.DeactivateTOTPView):
    template_name = "me/remove_app.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "first": first_proof(self.request.member)}

    def form_valid(self, form: Form) -> HttpResponse:
        with recorded(self.request):
            response: HttpResponse = super().form_valid(form)
        return response


add = for_fresh_members(Add.as_view())
remove = for_fresh_members(Remove.as_view())
