"""The oauthlib server that validates authorization requests: response type `code`, PKCE S256, nothing else.

The stock server also registers implicit, hybrid and password grants, and a bearer type that takes any `ey…` string for
an ID token; none of them exists here.
"""

from typing import Any

from oauthlib.oauth2.rfc6749.endpoints import AuthorizationEndpoint
from oauthlib.oauth2.rfc6749.grant_types import AuthorizationCodeGrant
from oauthlib.oauth2.rfc6749.grant_types.authorization_code import code_challenge_method_s256
from oauthlib.oauth2.rfc6749.tokens import BearerToken


class CodeOnly(AuthorizationCodeGrant):
    """RFC 6749 §4.1 with PKCE S256 (RFC 7636 §4.3); `plain` is not a method."""

    _code_challenge_methods = {"S256": code_challenge_method_s256}


class AuthorizationServer(AuthorizationEndpoint):
    """What `OAUTH2_SERVER_CLASS` names."""

    def __init__(self, request_validator: Any, *args: Any, **kwargs: Any) -> None:
        self.request_validator = request_validator
        super().__init__(
            default_response_type="code",
            default_token_type=BearerToken(request_validator),
            response_types={"code": CodeOnly(request_validator)},
        )
