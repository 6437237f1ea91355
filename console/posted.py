"""Addresses that only take a form: whoever opens one is led to the page where the form stands, or told which it is."""

from collections.abc import Callable
from typing import cast

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from console import kept
from tokens.endpoints.request import ArrivingRequest, TenantRequest


class Posted:
    """Answers what would be an empty 405 to whoever reads."""

    def __init__(self, get_response: Callable[[ArrivingRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: ArrivingRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_read = request.method in {"GET", "HEAD"} and request.path_info.startswith(kept.PAGES)
        if response.status_code != 405 or request.tenant is None or not is_read:
            return response
        return _instead(cast(TenantRequest, request), response.headers.get("Allow", "POST"))


def _instead(request: TenantRequest, allowed: str) -> HttpResponse:
    page = kept.address(request, kept.above(request.path_info))
    # Whoever just signed in because of a form was led here by what their browser said of it.
    if kept.waits(request):
        return redirect(page)
    answer = render(request, "405.html", {"page": page}, status=405)
    answer.headers["Allow"] = allowed
    answer.headers["Cache-Control"] = "no-store"
    return answer
