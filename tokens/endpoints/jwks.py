"""`/jwks.json` (RFC 7517 §5): public keys, also those that will sign next and those that signed a while ago."""

from django.http.response import HttpResponseBase

from tokens import keys
from tokens.endpoints.documents import document
from tokens.endpoints.request import TenantRequest

MAX_AGE = 3600


def view(request: TenantRequest) -> HttpResponseBase:
    return document(request, keys.keyset().document, max_age=MAX_AGE, content_type="application/jwk-set+json")
