"""What opens while a tenant is paused by its own admins: the ways to sign in, and the page that says that it is.

Programs meet no tenant then (`TenantGate`). Of the pages those open that are named here, and no other.
"""

from collections.abc import Callable

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from console.entrance import paused
from remit.languages import GetResponse
from tenants.models import Tenant
from tokens.endpoints.request import ArrivingRequest

OPEN = frozenset(
    {
        "account_login",
        "company-sign-in",
        "company-back",
        "mfa_login_webauthn",
        "mfa_authenticate",
        "account_reauthenticate",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
        "account_logout",
        "choose-look",
        "resume-tenant",
    }
)


class Pauses:
    """Shows that a tenant is paused, in place of its pages."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: ArrivingRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: ArrivingRequest, view: Callable[..., HttpResponse], args: object, kwargs: object
    ) -> HttpResponse | None:
        """Return the page of a paused tenant, or None where the page itself may open."""
        tenant, match = request.tenant, request.resolver_match
        if tenant is None or tenant.status != Tenant.Status.PAUSED or (match and match.url_name in OPEN):
            return None
        return paused.show(request)  # type: ignore[arg-type]  # It is a tenant's, as was just asked.
