"""The first two steps of every request: give it a name, and find its tenant.

Protocol endpoints are answered here, before any middleware for pages: no session, no CSRF, no third party on them.
"""

import json
import re
from contextlib import suppress
from typing import cast

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.response import SimpleTemplateResponse
from django.urls import Resolver404, get_script_prefix, resolve, set_script_prefix

from api import problems
from kit import context, identifiers
from kit.outages import is_outage
from remit import outages
from remit.languages import GetResponse, in_language
from tenants import directory
from tenants.models import Tenant
from tokens.endpoints.request import ArrivingRequest, TenantRequest
from tokens.urls import WELL_KNOWN, View, is_open_to_browsers, protocol_view

_log = structlog.get_logger("remit.middleware")
# No NUL: a path may hold an id, and PostgreSQL takes no text with one.
_TENANT = re.compile(r"/t/([a-z0-9-]{2,40})(/[^\x00\n]*)?")
_WELL_KNOWN = re.compile(r"/\.well-known/([a-z-]+)/t/([a-z0-9-]{2,40})(/.*)?")
_API = re.compile(r"/t/[^/]+/api/")
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, MCP-Protocol-Version",
    "Access-Control-Max-Age": "3600",
}


class RequestIdentity:
    """Names the request, and refuses a Host that is not ours everywhere but at /livez."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = identifiers.make("req")
        request.META["REMOTE_ADDR"] = _address(request)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        with context.request(request_id, address=request.META["REMOTE_ADDR"]):
            response = self._answer(request)
        response.headers["X-Request-Id"] = request_id
        return response

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info != "/livez":
            try:
                request.get_host()
            except DisallowedHost:
                return JsonResponse({"error": "invalid_request", "error_description": "Unknown host."}, status=400)
        return self.get_response(request)


def _address(request: HttpRequest) -> str:
    """Return who is on the other side of our own proxies; without any, X-Forwarded-For is a stranger's word."""
    peer = str(request.META.get("REMOTE_ADDR", ""))
    hops = settings.PROXY_COUNT
    if not hops:
        return peer
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    return forwarded[-hops] if len(forwarded) >= hops else peer


class TenantGate:
    """Enters the tenant that the path names. One that was never there and one that is gone are the same 404."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: ArrivingRequest) -> HttpResponseBase:
        if found := _TENANT.fullmatch(request.path_info):
            slug, path = found[1], found[2] or "/"
            return self._enter(request, slug, path, protocol_view(path))
        if found := _WELL_KNOWN.fullmatch(request.path_info):
            view = WELL_KNOWN.get(found[1], {}).get(found[3] or "")
            return self._enter(request, found[2], "", view) if view else _not_found(request)
        if request.path_info != "/t/" and request.path_info.startswith(("/t/", "/.well-known/")):
            return _not_found(request)
        request.tenant = None
        with context.use(None):
            return self.get_response(request)

    def _enter(self, request: ArrivingRequest, slug: str, path: str, view: View | None) -> HttpResponseBase:
        tenant = directory.tenant_by_slug(slug)
        if tenant is None and view is None and not path.startswith("/api/"):
            # Its pages open as far as `Pauses` lets them.
            tenant = directory.paused_tenant(slug)
        if tenant is None:
            return _not_found(request)
        request.tenant = tenant
        structlog.contextvars.bind_contextvars(tenant=slug)
        with context.use(tenant):
            if view is not None:
                return _protocol(cast(TenantRequest, request), view, is_open=is_open_to_browsers(path))
            if path.startswith("/api/"):
                return _api(cast(TenantRequest, request), path)
            return self._page(request, tenant, path)

    def _page(self, request: ArrivingRequest, tenant: Tenant, path: str) -> HttpResponseBase:
        before = get_script_prefix()
        prefix = f"/t/{tenant.slug}"
        request.path_info = request.META["PATH_INFO"] = path
        request.META["SCRIPT_NAME"] = prefix
        request.urlconf = settings.TENANT_URLCONF
        set_script_prefix(f"{prefix}/")
        try:
            return self.get_response(request)
        finally:
            set_script_prefix(before)


def _protocol(request: TenantRequest, view: View, *, is_open: bool, is_api: bool = False) -> HttpResponseBase:
    if is_open and request.method == "OPTIONS":
        return HttpResponse(status=204, headers={**_PREFLIGHT, "Access-Control-Allow-Origin": "*"})
    response = _safely(request, view, is_api=is_api)
    if is_open:
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = "WWW-Authenticate"
    response.headers["X-Content-Type-Options"] = "nosniff"
    if settings.SECURE_HSTS_SECONDS:
        response.headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
    return response


def _api(request: TenantRequest, path: str) -> HttpResponseBase:
    # Read before anybody is refused: behind an answer to a body that nobody read, the server closes the connection.
    with suppress(RequestDataTooBig, UnreadablePostError):
        _ = request.body
    try:
        match = resolve(path, "api.urls")
    except Resolver404:
        return _protocol(request, lambda _: problems.answer(404), is_open=False)
    return _protocol(request, lambda found: match.func(found, *match.args, **match.kwargs), is_open=False, is_api=True)


def _safely(request: TenantRequest, view: View, *, is_api: bool) -> HttpResponseBase:
    try:
        response = view(request)
        # Django's handler would render what REST framework returns; these answers leave before it.
        return response.render() if isinstance(response, SimpleTemplateResponse) else response
    except Exception as error:  # The outermost door: logged, and never shown.
        _log.exception("unexpected")
        if is_outage(error):
            return outages.unavailable(request)
        if is_api:
            return problems.answer(500)
        content = {"error": "server_error", "error_description": f"Reference: {context.request_id()}."}
        return HttpResponse(json.dumps(content), status=500, content_type="application/json")


def _not_found(request: HttpRequest) -> HttpResponseBase:
    if "text/html" in request.headers.get("Accept", ""):
        # It leaves before the middleware for pages, which would say the same of it.
        page = in_language(request, lambda: render(request, "404.html", status=404))
        page.headers["X-Frame-Options"] = "DENY"
        page.headers["X-Content-Type-Options"] = "nosniff"
        page.headers["Content-Security-Policy"] = outages.ALONE
        return page
    return problems.answer(404) if _API.match(request.path_info) else JsonResponse({"error": "not_found"}, status=404)
