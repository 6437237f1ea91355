"""What oauthlib asks while it validates an authorization request, answered from our directory.

Scopes and resources are judged together, later, by `tokens.asking`: neither means anything without the other.
"""

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator

from agents import directory
from agents.models import Client
from kit.oauth import GrantType


class Validator(OAuth2Validator):
    """What `OAUTH2_VALIDATOR_CLASS` names. Its methods for tokens are never reached."""

    def validate_client_id(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        client = directory.client(client_id)
        if client is None or client.status != Client.Status.ACTIVE:
            return False
        request.client = client
        return True

    def validate_redirect_uri(self, client_id: str, redirect_uri: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        return bool(request.client.redirect_uri_allowed(redirect_uri))

    def get_default_redirect_uri(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> str:
        return str(request.client.default_redirect_uri)

    def validate_response_type(
        self, client_id: str, response_type: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        return response_type == "code" and bool(client.allows_grant_type(GrantType.AUTHORIZATION_CODE))

    def is_pkce_required(self, client_id: str, request: Any) -> bool:
        return True

    def get_default_scopes(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> list[str]:
        return []

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        return True
