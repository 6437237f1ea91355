"""Who may open a page: a member, or a member who looks after the tenant."""

from collections.abc import Callable
from functools import wraps

from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.http import urlencode

from audit.principals import Kind, Principal
from tenants.rules import may_see_console
from tokens.endpoints.request import MemberRequest, TenantRequest

View = Callable[..., HttpResponse]


def for_members(view: View) -> View:
    """Send whoever is not signed in to sign in, and back."""

    @wraps(view)
    def guarded(request: TenantRequest, *args: object, **kwargs: object) -> HttpResponse:
        if request.member is None:
            return redirect(f"{resolve_url('account_login')}?{urlencode({'next': request.get_full_path()})}")
        response = view(request, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return guarded


def for_fresh_members(view: View) -> View:
    """Let in members who proved again, minutes ago, that it is them; send others to do so, and back to this page."""

    @wraps(view)
    def guarded(request: MemberRequest, *args: object, **kwargs: object) -> HttpResponse:
        # Asked before allauth asks: it would keep the body of a POST in the session, and find no view to resume with.
        if is_reauthentication_required(request, app="allauth.mfa"):
            return redirect(f"{resolve_url('account_reauthenticate')}?{urlencode({'next': request.get_full_path()})}")
        return view(request, *args, **kwargs)

    return for_members(guarded)


def for_keepers(view: View) -> View:
    """Let in members who look after everybody's agents."""

    @wraps(view)
    def guarded(request: MemberRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not may_see_console(request.member):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return for_members(guarded)


def principal(request: MemberRequest) -> Principal:
    """Return the member as the ledger names them."""
    return Principal(Kind.USER, request.member.pk, request.member.name)
