"""Thin subclasses of the toolkit's views: the backend's answer, and nothing else.

The stock views read the body first (a multipart body is a 500), divert device codes, and read the token row again.
"""

from typing import Any

from django.http import HttpResponse
from oauth2_provider.views import IntrospectTokenView, RevokeTokenView, TokenView

from tokens.endpoints.request import TenantRequest


def _http(answer: tuple[None, dict[str, str], bytes, int]) -> HttpResponse:
    _, headers, body, status = answer
    return HttpResponse(body, status=status, headers=headers)


class TokenEndpoint(TokenView):
    def dispatch(self, request: TenantRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return _http(self.get_oauthlib_core().create_token_response(request))


class RevocationEndpoint(RevokeTokenView):
    def dispatch(self, request: TenantRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return _http(self.get_oauthlib_core().create_revocation_response(request))


class IntrospectionEndpoint(IntrospectTokenView):
    def dispatch(self, request: TenantRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return _http(self.get_oauthlib_core().create_introspection_response(request))
