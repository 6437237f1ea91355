"""The page for whoever tried too often: from when it goes again, in words, on the clock, and for programs."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import ngettext

MINUTE = 60
"""What the limits of a sign-in that end here count in (`ACCOUNT_RATE_LIMITS`, `MFA_RATE_LIMITS`)."""


def page(request: HttpRequest, *, seconds: int) -> HttpResponse:
    """Answer 429; `seconds` is when the latest try that is counted is forgotten, so it goes again then or sooner."""
    tenant = getattr(request, "tenant", None)
    minutes = -(-seconds // MINUTE)
    words = ngettext("in %(number)s minute", "in %(number)s minutes", minutes) % {"number": minutes}
    until = timezone.now() + timedelta(seconds=seconds)
    content = {"within": words, "until": until.astimezone(ZoneInfo(tenant.time_zone if tenant else "UTC"))}
    response = render(request, "429.html", content, status=429)
    response.headers["Retry-After"], response.headers["Cache-Control"] = str(seconds), "no-store"
    return response


def handler429(request: HttpRequest) -> HttpResponse:
    """Answer for allauth, which calls this where a limit of a sign-in is reached."""
    return page(request, seconds=MINUTE)
