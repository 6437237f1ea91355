"""When the person proved that it is them: one answer for pages, for tokens and for whoever asks with `max_age`.

Whoever has a factor proves it with a factor; and what somebody else proved in the same browser is nobody's proof.
"""

import hashlib
from datetime import UTC, datetime, timedelta

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.http import urlencode

from tokens.asking import Asked
from tokens.endpoints.request import TenantRequest

_ASKED = "asked_to_sign_in"
_MFA = "mfa"
"""What a session calls a proof by a passkey, an app or a recovery code."""
RECENT = timedelta(minutes=5)
ANSWERS_FOR = timedelta(minutes=2)
"""One sign-in answers the request that asked for it, and its reload; not the same address hours later."""


def signed_in_at(request: TenantRequest) -> datetime:
    """Return when the member last proved in this session that it is them; 1970 where nothing that was proved counts."""
    assert request.member is not None
    user = request.member.user
    has_factor = Authenticator.objects.filter(user_id=user.pk).exists()
    records = get_authentication_records(request, user)
    moments = [record["at"] for record in records if record["method"] == _MFA or not has_factor]
    return datetime.fromtimestamp(max(moments, default=0), tz=UTC)


def is_recent(request: TenantRequest) -> bool:
    """Say whether that was minutes ago."""
    return timezone.now() - signed_in_at(request) < RECENT


def is_stale(request: TenantRequest, asked: Asked) -> bool:
    """Say whether the person must sign in again: `prompt=login`, or longer ago than `max_age` (OIDC Core §3.1.2.1)."""
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
