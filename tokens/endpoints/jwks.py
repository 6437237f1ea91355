"""`/jwks.json` (RFC 7517 §5): public keys, also those that will sign next and those that signed a while ago."""

from django.http.response import HttpResponseBase
from django.utils import timezone

from tokens import fetchers, keys
from tokens.endpoints.documents import document
from tokens.endpoints.request import TenantRequest


def view(request: TenantRequest) -> HttpResponseBase:
    if request.method == "GET":
        meta = request.META
        fetchers.note(meta.get("REMOTE_ADDR", ""), meta.get("HTTP_USER_AGENT", ""), now=timezone.now())
    return document(request, keys.keyset().document, max_age=keys.JWKS_SECONDS, content_type="application/jwk-set+json")
