"""The sign-in page: the e-mail is asked first, and its domain alone says what comes next.

Nobody is looked up before something is proved: who is unknown here is shown what everybody is.
"""

from typing import Any

from allauth.account.views import LoginView
from django.forms import EmailField, Form
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from console.entrance import last_way
from trust import providers


class Address(Form):
    """The first step: whose sign-in it is to be."""

    login = EmailField(max_length=254)


class Door:
    """What the pages of both steps know: the companies, the way used last here, and the e-mail once it was said."""

    request: HttpRequest

    def get_context_data(self, **fields: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**fields)  # type: ignore[misc]  # allauth's view follows.
        address = str(getattr(context["form"], "cleaned_data", {}).get("login", ""))
        usable = providers.usable()
        company = providers.of_address(address, usable) if address else None
        found = [company] if company else [] if address else usable
        named = [{"id": each.pk, "name": each.issuer.name} for each in found]
        said = {
            "address": address,
            "next": context["redirect_field_value"] or "",
            "last_way": last_way.of(self.request),
            # Of the domain alone: whoever is known here and whoever is not are told the same.
            "unknown_domain": address.rpartition("@")[2] if usable and not company else "",
        }
        return {**context, **said, "providers": named}


class SignIn(Door, LoginView):
    """`/login`: the e-mail, then what proves it; both in one go, too."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # allauth counts every POST as an attempt: an e-mail alone tries nothing.
        view: Any = super(LoginView, self) if _is_first_step(request) else super()
        response: HttpResponseBase = view.dispatch(request, *args, **kwargs)
        return response

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:  # As allauth says it.
        if _is_first_step(request):
            asked = Address(request.POST)
            asked.full_clean()
            return self.render_to_response(self.get_context_data(form=asked))
        return super().post(request, *args, **kwargs)


def _is_first_step(request: HttpRequest) -> bool:
    return request.method == "POST" and "password" not in request.POST
