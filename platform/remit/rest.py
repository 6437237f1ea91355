"""How the REST framework is set up, and what the OpenAPI document says of the API as a whole."""

from typing import Any

FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.authentication.AgentBearer"],
    "DEFAULT_PERMISSION_CLASSES": ["api.permissions.HoldsScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.parsing.StrictJSON"],
    "EXCEPTION_HANDLER": "api.problems.handle",
    "DEFAULT_SCHEMA_CLASS": "api.schema.Described",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
DOCUMENT: dict[str, Any] = {
    "TITLE": "Remit",
    "DESCRIPTION": "Who may do what, for whom, where, and until when. Each tenant has this API below its issuer.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVERS": [{"url": "https://id.example.com/t/{tenant}", "variables": {"tenant": {"default": "acme"}}}],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    "DISABLE_ERRORS_AND_WARNINGS": True,
    "POSTPROCESSING_HOOKS": [],
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "oauth": {
                "type": "oauth2",
                "description": "An access token whose audience is this API, of the tenant's own issuer.",
                "flows": {
                    "authorizationCode": {"authorizationUrl": "authorize", "tokenUrl": "token", "scopes": {}},
                },
            }
        }
    },
}
