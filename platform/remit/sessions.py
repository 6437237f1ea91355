"""One session per tenant: its cookie is named after the tenant, and its content says which tenant it entered."""

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from kit import context
from remit.languages import GetResponse
from tenants.models import Membership, Tenant
from tokens.endpoints.circumstances import proof
from tokens.endpoints.request import ArrivingRequest

TENANT_KEY = "tenant"


class TenantSessions(SessionMiddleware):
    """Django's sessions under a cookie per tenant; a cookie that was moved to another tenant is an unknown one."""

    def process_request(self, request: ArrivingRequest) -> None:  # type: ignore[override]  # What TenantGate hands on.
        if request.tenant is None:
            super().process_request(request)
            return
        key = request.COOKIES.pop(_cookie(request.tenant), "")
        request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        request.session = self.SessionStore(key or None)
        if key and request.session.get(TENANT_KEY) == request.tenant.pk:
            request.COOKIES[settings.SESSION_COOKIE_NAME] = key
        elif key:
            request.session = self.SessionStore()

    def process_response(  # type: ignore[override]  # What TenantGate hands on.
        self, request: ArrivingRequest, response: HttpResponse
    ) -> HttpResponse:
        session = getattr(request, "session", None)
        if session is not None and request.tenant is not None and session.modified and not session.is_empty():
            session[TENANT_KEY] = request.tenant.pk
        response = super().process_response(request, response)
        if request.tenant is not None and settings.SESSION_COOKIE_NAME in response.cookies:
            moved = response.cookies.pop(settings.SESSION_COOKIE_NAME)
            response.cookies[_cookie(request.tenant)] = moved.value
            response.cookies[_cookie(request.tenant)].update(moved)
        return response


class Members:
    """Finds the member behind the session. Whoever lost their place in the tenant is signed out."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: ArrivingRequest) -> HttpResponseBase:
        request.member = None
        # Asked for when something is recorded: a request may sign somebody in, or prove them anew.
        context.proved(lambda: proof(request))
        if request.tenant is not None and request.user.is_authenticated:
            active = Membership.objects.select_related("user").filter(status=Membership.Status.ACTIVE)
            request.member = active.filter(user=request.user.pk, user__is_active=True).first()
            if request.member is None:
                request.session.flush()
                request.user = AnonymousUser()
        return self.get_response(request)


def _cookie(tenant: Tenant) -> str:
    return f"{settings.SESSION_COOKIE_NAME}-{tenant.slug}"
