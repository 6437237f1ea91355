"""What `OAUTH2_BACKEND_CLASS` names: the toolkit's socket, wired to our rooms.

Everything but the authorization endpoint leaves here before oauthlib builds a request object: oauthlib turns any body
parameter into an attribute of it, and the toolkit keeps the last of repeated parameters. A test counts those objects.
"""

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone
from oauth2_provider.oauth2_backends import OAuthLibCore

from agents.authentication import authenticate_now
from kit import forms
from kit.oauth import OAuthError
from tenants.models import Tenant
from tokens import bearer
from tokens.endpoints import door, introspect, revoke, token
from tokens.endpoints.request import TenantRequest

AUTHORIZATION_PARAMETERS = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method",
)  # fmt: skip
"""All that oauthlib gets to see of an authorization request."""

Answer = tuple[None, dict[str, str], bytes, int]


class Backend(OAuthLibCore):
    """Takes Django requests to the rooms, and answers as the toolkit's views expect."""

    def _extract_params(self, request: TenantRequest) -> tuple[str, str, str, dict[str, str]]:
        form = forms.parse(request.META.get("QUERY_STRING", "").encode("latin-1"))
        known = {name: form[name][0] for name in AUTHORIZATION_PARAMETERS if name in form}
        return f"{request.path}?{urlencode(known)}", "GET", "", {}

    def create_token_response(self, request: TenantRequest) -> Answer:
        return self._answer(request, token.room)

    def create_revocation_response(self, request: TenantRequest) -> Answer:
        return self._answer(request, revoke.room)

    def create_introspection_response(self, request: TenantRequest) -> Answer:
        return self._answer(request, introspect.room)

    def authenticate_client(self, request: TenantRequest) -> bool:
        try:
            authenticate_now(request.headers.get("Authorization", ""), door.read_form(door.received(request)))
        except OAuthError:
            return False
        return True

    def verify_request(self, request: TenantRequest, scopes: list[str]) -> tuple[bool, Any]:
        """Verify a bearer token of this server's own API; the toolkit's DRF authentication calls it."""
        tenant = request.tenant
        assert isinstance(tenant, Tenant)
        try:
            verified = bearer.verify(
                tenant, request.headers.get("Authorization", ""), audience=tenant.api_identifier, now=timezone.now()
            )
        except OAuthError:
            return False, None
        return frozenset(scopes) <= verified.scopes, SimpleNamespace(user=verified, access_token=verified)

    def _answer(self, request: TenantRequest, room: door.Room) -> Answer:
        response = door.respond(room, door.received(request))
        return None, dict(response.headers), response.body, response.status
