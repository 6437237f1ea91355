"""A tenant's logo from our own origin: a PNG of our own making, under a name that changes with it."""

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from tenants import logo
from tokens.endpoints.request import TenantRequest

PREFIX = "/logo/"
MAX_AGE = 365 * 24 * 3600


def view(request: TenantRequest, name: str) -> HttpResponseBase:
    png = logo.of(request.tenant, name.removesuffix(".png")) if name.endswith(".png") else b""
    if request.method not in {"GET", "HEAD"} or not png:
        return HttpResponse(status=404, content_type="image/png", headers={"Cache-Control": "no-store"})
    response = HttpResponse(png, content_type="image/png")
    response.headers["Cache-Control"] = f"public, max-age={MAX_AGE}, immutable"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Content-Disposition"] = "inline"
    return response
