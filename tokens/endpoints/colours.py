"""A tenant's colours from our own origin, under a name that changes with them, so that browsers keep them for good."""

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from tenants import brand
from tokens.endpoints.request import TenantRequest

PREFIX = "/colours/"
MAX_AGE = 365 * 24 * 3600


def view(request: TenantRequest, name: str) -> HttpResponseBase:
    """Return the sheet that is asked for by its name of today; of another day it is not kept."""
    if request.method not in {"GET", "HEAD"} or not name or name != brand.address(request.tenant):
        return HttpResponse(status=404, content_type="text/css", headers={"Cache-Control": "no-store"})
    response = HttpResponse(brand.sheet(request.tenant), content_type="text/css")
    response.headers["Cache-Control"] = f"public, max-age={MAX_AGE}, immutable"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
