"""Clients' logos from our own origin: a PNG of our own making, and nothing that a browser could take for a page."""

import re

from django.http import JsonResponse
from django.http.response import HttpResponseBase

from agents import logos
from tokens.endpoints.documents import document
from tokens.endpoints.request import TenantRequest

PREFIX = "/logos/"
MAX_AGE = 3600
_NAME = re.compile(r"(cli_[0-9a-z]{26})\.png")


def view(request: TenantRequest, name: str) -> HttpResponseBase:
    named = _NAME.fullmatch(name)
    png = logos.of(named[1]) if named else b""
    if not png:
        return JsonResponse({"error": "not_found"}, status=404)
    response = document(request, png, max_age=MAX_AGE, content_type="image/png")
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Content-Disposition"] = "inline"
    return response
