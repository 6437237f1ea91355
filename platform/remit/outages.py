"""What a request gets that fell out of every view: 503 where the database cannot do it now, 500 otherwise; and 413
where a form holds more than is read.
"""

import json
import sys

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views import defaults

from api import problems
from kit import context, languages, outages
from remit import outage_pages

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
    return _answer(request, 500, "server_error", f"Reference: {context.request_id()}.")


def unavailable(request: HttpRequest) -> HttpResponse:
    """Say that asking again is right. Nothing is read for it."""
    description = f"Ask again in a moment. Reference: {context.request_id()}."
    response = _answer(request, 503, "temporarily_unavailable", description)
    response.headers["Retry-After"] = outages.RETRY_AFTER
    return response


def _answer(request: HttpRequest, status: int, code: str, description: str) -> HttpResponse:
    """Say it as a page, as a problem, or as OAuth says it: as whoever asks reads it."""
    if "text/html" in request.headers.get("Accept", ""):
        response = _page(request, status)
    elif "/api/" in request.path:
        response = problems.answer(status)
    else:
        content = json.dumps({"error": code, "error_description": description})
        response = HttpResponse(content, status=status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def _page(request: HttpRequest, status: int) -> HttpResponse:
    # Where it failed before the language was settled, who reads it is not known either.
    asked = languages.spoken(request.headers.get("Accept-Language", ""))
    language = getattr(request, "LANGUAGE_CODE", asked)
    page = HttpResponse(
        outage_pages.answered(status, language=language, reference=context.request_id()),
        status=status,
        headers={"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", _POLICY: ALONE},
    )
    page.headers["Content-Language"] = language
    patch_vary_headers(page, ("Accept-Language",))
    return page
