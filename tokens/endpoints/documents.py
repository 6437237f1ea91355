"""Public documents: bytes with an ETag, kept by caches for a while."""

import hashlib

from django.http import HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response

from tokens.endpoints.request import TenantRequest


def document(
    request: TenantRequest, body: bytes, *, max_age: int, content_type: str = "application/json"
) -> HttpResponseBase:
    """Answer GET and HEAD with the document, or 304 where the caller has it (RFC 9110 §13.1.2)."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"], b"{}", content_type="application/json")
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": f"public, max-age={max_age}"}
    response = HttpResponse(body, content_type=content_type, headers=headers)
    # Proxies that compress send the ETag on as a weak one, and callers may list several.
    return get_conditional_response(request, etag=etag, response=response) or response
