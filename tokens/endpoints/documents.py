"""Public documents: bytes with an ETag, kept by caches for a while."""

import hashlib

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseNotModified


def document(
    request: HttpRequest, body: bytes, *, max_age: int, content_type: str = "application/json"
) -> HttpResponse:
    """Answer GET and HEAD with the document, or 304 where the caller has it (RFC 9110 §13.1.2)."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"], b"{}", content_type="application/json")
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": f"public, max-age={max_age}"}
    if request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified(headers=headers)
    return HttpResponse(body, content_type=content_type, headers=headers)
