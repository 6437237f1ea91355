"""How clients of the field describe themselves: the facts that decide, under names of our own.

Each is a metadata document and, without `client_id`, a registration.
"""

from collections.abc import Mapping
from typing import Any

from kit.oauth import GrantType
from tests.harness.world import REDIRECT

CODE = ["authorization_code", "refresh_token"]
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"

SHAPES: Mapping[str, Mapping[str, Any]] = {
    "a coding assistant on a terminal": {
        "client_name": "Terminal assistant",
        "client_uri": "https://assistant.example",
        "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
        "grant_types": CODE,
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    },
    "a desktop assistant that lists a grant that is not for public clients": {
        "client_name": "Desktop assistant",
        "redirect_uris": ["https://assistant.example/api/mcp/auth_callback", REDIRECT],
        "grant_types": [*CODE, JWT_BEARER],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    },
    "an editor with its logo on another host": {
        "client_name": "Editor",
        "client_uri": "https://editor.example/product",
        "logo_uri": "https://code.editor.example/assets/logo.png",
        "redirect_uris": ["http://127.0.0.1/", "http://127.0.0.1:33418/", "https://editor.example/redirect", REDIRECT],
        "grant_types": [*CODE, GrantType.DEVICE_CODE.value],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    },
    "a chat that lists its methods and names none": {
        "client_name": "Chat",
        "redirect_uris": ["https://chat.example/connector_platform_oauth_redirect", REDIRECT],
        "token_endpoint_auth_method": None,
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt_of_tomorrow"],
    },
    "a kit that registers with the first challenge's scope and says what does not apply": {
        "client_name": "Kit",
        "redirect_uris": [REDIRECT],
        "grant_types": CODE,
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": "contacts:read",
        "jwks_uri": "https://kit.example/jwks",
        "userinfo_signed_response_alg": "RS256",
        "default_max_age": 3600,
        "contacts": ["kit@kit.example"],
        "id_token_signed_response_alg": "RS256",
    },
    "an app with a scheme of its own": {
        "client_name": "App",
        "redirect_uris": ["com.example.app:/oauth/callback", "com.example.app://oauth/callback", REDIRECT],
        "grant_types": CODE,
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    },
    "a tool without application_type on loopback with a port": {
        "client_name": "Tool",
        "redirect_uris": ["http://localhost:3334/oauth/callback", REDIRECT],
        "grant_types": CODE,
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    },
    "an agent with every grant that there is": {
        "client_name": "Eager agent",
        "redirect_uris": [REDIRECT],
        "grant_types": [*CODE, "client_credentials", "implicit", "password", EXCHANGE, JWT_BEARER],
        "response_types": ["code", "token"],
        "token_endpoint_auth_method": "none",
        "authorization_grant_profiles_supported": ["urn:ietf:params:oauth:grant-profile:id-jag"],
        "dpop_bound_access_tokens": True,
        "spiffe_id": "spiffe://example/agent/*",
    },
}

REFUSED: Mapping[str, Mapping[str, Any]] = {
    "an editor with a scheme that any app can claim": {
        "redirect_uris": ["cursor://anysphere.cursor-retrieval/oauth/user/callback", REDIRECT],
    },
    "an editor of the same family": {"redirect_uris": ["vscode://dynamicauthprovider/callback", REDIRECT]},
}
"""RFC 8252 §7.1 wants a domain in the scheme, and §8.4 that others are refused: any program can claim a bare word."""
