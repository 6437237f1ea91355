"""The language of a page: what its reader chose, or else what their browser asks for, or else the tenant's.

`Languages` stands behind the middleware that knows the member, and around everything that renders. Whatever is answered
before it speaks English, and so does the thread afterwards: a page's language ends with the page.
"""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from kit import languages
from tokens.endpoints.request import ArrivingRequest

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class Languages:
    """Answers in its reader's language."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: ArrivingRequest) -> HttpResponseBase:
        chosen = request.member.user.language if request.member is not None else ""
        return in_language(request, lambda: self.get_response(request), chosen=chosen)


def in_language(request: HttpRequest, answer: Callable[[], HttpResponseBase], *, chosen: str = "") -> HttpResponseBase:
    """Return an answer in the reader's language. A page says which that is, and what it was chosen by."""
    tenant = getattr(request, "tenant", None)
    asked, usual = request.headers.get("Accept-Language", ""), tenant.language if tenant is not None else ""
    code = chosen if languages.is_known(chosen) else languages.spoken(asked, default=usual)
    request.LANGUAGE_CODE = code  # As Django's own middleware names it.
    with languages.reading(code):
        response = answer()
    # Files are the same in every language.
    if response.headers.get("Content-Type", "").startswith("text/html"):
        response.headers.setdefault("Content-Language", code)
        patch_vary_headers(response, ("Accept-Language",))
    return response
