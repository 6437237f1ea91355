"""When the person signed in, and whether that is recent enough for a request (OpenID Connect Core §3.1.2.1)."""

import hashlib
from datetime import UTC, datetime, timedelta

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.http import urlencode

from tokens.asking import Asked
from tokens.endpoints.request import TenantRequest

_ASKED = "asked_to_sign_in"
_METHODS = "account_authentication_methods"
ANSWERS_FOR = timedelta(minutes=2)
"""One sign-in answers the request that asked for it, and its reload; not the same address hours later."""


def signed_in_at(request: TenantRequest) -> datetime:
    """Return the moment of the session's last authentication."""
    moments = [method["at"] for method in request.session.get(_METHODS, []) if "at" in method]
    return datetime.fromtimestamp(max(moments, default=0), tz=UTC)


def is_stale(request: TenantRequest, asked: Asked) -> bool:
    """Say whether the person must sign in again: `prompt=login`, or longer ago than `max_age`."""
    if "login" not in asked.prompts and asked.max_age is None:
        return False
    moment = signed_in_at(request)
    age = timezone.now() - moment
    since = request.session.get(_ASKED, {}).get(_name(request))
    if since is not None and moment.timestamp() >= since and age <= ANSWERS_FOR:
        return False
    if "login" in asked.prompts:
        return True
    return asked.max_age is not None and age.total_seconds() > asked.max_age


def sign_in(request: TenantRequest) -> HttpResponse:
    """Send the person to sign in, and back to this very request."""
    page = "account_login" if request.member is None else "account_reauthenticate"
    asked = dict(list(request.session.get(_ASKED, {}).items())[-9:])
    request.session[_ASKED] = {**asked, _name(request): timezone.now().timestamp()}
    target = f"{resolve_url(page)}?{urlencode({'next': request.get_full_path()})}"
    return HttpResponseRedirect(target)


def _name(request: TenantRequest) -> str:
    return hashlib.sha256(request.META.get("QUERY_STRING", "").encode()).hexdigest()[:16]
