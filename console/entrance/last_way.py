"""The way that a browser was signed in last: one word a tenant, and nothing of whose sign-in it was."""

from datetime import timedelta
from typing import cast

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from tenants.models import User
from tokens.endpoints.circumstances import PASSKEY
from tokens.endpoints.request import TenantRequest

KEPT_FOR = timedelta(days=365)


def of(request: HttpRequest) -> str:
    """Return what this browser says; it is compared with the ways there are, and shown nowhere."""
    return str(request.COOKIES.get(_name(request), ""))


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Keep the way that somebody has just come in: a provider's id, or the word for a passkey or a password."""
    response.set_cookie(
        _name(request),
        _used(request, user),
        max_age=KEPT_FOR,
        path="/",
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Lax",
    )


def _used(request: HttpRequest, user: User) -> str:
    """Return what stood first in the sign-in; a second factor comes after it and is none."""
    rows = get_authentication_records(request, user)
    first = [row for row in rows if row["method"] != "mfa" or row.get("passwordless")]
    if not first:
        return ""
    return str(first[-1].get("provider") or (PASSKEY if first[-1]["method"] == "mfa" else first[-1]["method"]))


def _name(request: HttpRequest) -> str:
    return f"{settings.LAST_WAY_COOKIE_NAME}-{cast(TenantRequest, request).tenant.slug}"
