"""allauth's adapter: sign-in is into a tenant, sign-up is closed, and both outcomes are written down."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from console import kept
from console.entrance import last_way
from console.entrance.places import let_in, place_of, sign_out, write_down_wrong_password
from kit.languages import spoken
from tenants import languages
from tenants.models import User

_ORDER = ["mfa_reauthenticate:webauthn", "mfa_reauthenticate", "reauthenticate"]


class Adapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Return the person if the password is right and they have a place here; otherwise it is one refusal."""
        user: User | None = super().authenticate(request, **credentials)
        if user is None or place_of(user) is not None:
            return user
        # allauth has just taken the attempt back, as after a success: here it must count like a wrong password, or the
        # limit would tell whoever has no place here that the password was right.
        self.pre_authenticate(request, **credentials)
        self.authentication_failed(request, **credentials)
        return None

    def is_safe_url(self, url: str) -> bool:
        """Say whether `next` stays on our pages: allauth would allow any port of our host, and http beside https."""
        return url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        super().authentication_failed(request, **credentials)
        write_down_wrong_password(str(credentials.get("email", "")))

    def login(self, request: HttpRequest, user: User) -> None:
        """Let the person in. Every method ends here: a place that was lost between two factors opens nothing."""
        if place_of(user) is None:
            request.session.flush()
            raise ImmediateHttpResponse(redirect("account_login"))
        super().login(request, user)

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        member = let_in(request, user)
        last_way.remember(request, response, user)
        if member is not None:
            kept.mark(request, response, member)
        if asked := request.headers.get("Accept-Language", ""):
            languages.hear(user, spoken(asked))
        return response

    def logout(self, request: HttpRequest) -> None:
        sign_out(request)

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """Return the ways to prove it again, strongest first; where a factor is set up, the password is none of them.

        Otherwise a stolen session and a stolen password could take the factor away.
        """
        methods = super().get_reauthentication_methods(user)
        factors = [method for method in methods if method["id"] != "reauthenticate"]
        return sorted(factors or methods, key=lambda method: _ORDER.index(method["id"]))

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: pages say what happened, and no page shows flash messages."""
