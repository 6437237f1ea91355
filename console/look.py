"""Light, dark, or as the system has it: what somebody chose for this browser. No script, and no request to ask."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from tokens.endpoints.request import TenantRequest

COOKIE = "look"
LOOKS = {"light": gettext_lazy("Light"), "dark": gettext_lazy("Dark")}
"""What may be chosen; anything else is "as the system has it"."""
YEAR = 365 * 24 * 3600


def chosen(request: HttpRequest) -> str:
    """Return the look of this browser; empty where the system decides."""
    said = request.COOKIES.get(COOKIE, "")
    return said if said in LOOKS else ""


@require_POST
def choose(request: TenantRequest) -> HttpResponse:
    """Keep what was chosen, and go back to the page where it was."""
    back = request.POST.get("back", "")
    if not url_has_allowed_host_and_scheme(back, None) or not back.startswith(f"/t/{request.tenant.slug}/"):
        back = request.tenant.issuer + "/"
    response = redirect(back)
    look = request.POST.get("look", "")
    if look in LOOKS:
        response.set_cookie(
            COOKIE, look, max_age=YEAR, path="/", secure=settings.IS_HTTPS, httponly=True, samesite="Lax"
        )
    else:
        response.delete_cookie(COOKIE, path="/", samesite="Lax")
    return response
