"""`/jwks.json` (RFC 7517 §5): public keys, also those that will sign next and those that signed a while ago."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from tokens import keys
from tokens.endpoints.documents import document

MAX_AGE = 3600


def view(request: HttpRequest) -> HttpResponseBase:
    return document(request, keys.keyset().document, max_age=MAX_AGE, content_type="application/jwk-set+json")
