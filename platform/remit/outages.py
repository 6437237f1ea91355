"""What a request gets that fell out of every view: 503 where the database cannot do it now, 500 otherwise; and 413
where a form holds more than is read.
"""

import json
import sys
from collections.abc import Mapping

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader
from django.views import defaults

from api import problems
from kit import context, outages

_POLICY = "Content-Security-Policy"
ALONE = "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; frame-ancestors 'none'"
"""The content security policy of pages that leave before the middleware for pages."""


def handler500(request: HttpRequest) -> HttpResponse:
    """Answer for Django's last resort, which calls this while the error is at hand."""
    return unavailable(request) if outages.is_outage(sys.exc_info()[1]) else broken(request)


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django refuses to read; of a form that is too large it is said that it is."""
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent):
        return render(request, "413.html", {"most": settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024}, status=413)
    return defaults.bad_request(request, exception)


def broken(request: HttpRequest) -> HttpResponse:
    """Say that it is our fault, and by which word the log knows it. Nothing is read for it."""
    return HttpResponse(loader.get_template("500.html").render({"reference": context.request_id()}), status=500)


def unavailable(request: HttpRequest) -> HttpResponse:
    """Say that asking again is right: as a page, as a problem, or as OAuth says it. Nothing is read for it."""
    if "text/html" in request.headers.get("Accept", ""):
        page = HttpResponse(loader.get_template("503.html").render({"reference": context.request_id()}), status=503)
        return _later(page, {"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", _POLICY: ALONE})
    if "/api/" in request.path:
        return _later(problems.answer(503))
    description = f"Ask again in a moment. Reference: {context.request_id()}."
    content = {"error": "temporarily_unavailable", "error_description": description}
    return _later(HttpResponse(json.dumps(content), status=503, content_type="application/json"))


def _later(response: HttpResponse, further: Mapping[str, str] | None = None) -> HttpResponse:
    headers = {"Retry-After": outages.RETRY_AFTER, "Cache-Control": "no-store", **(further or {})}
    for name, value in headers.items():
        response.headers[name] = value
    return response
