"""Bearer authentication: the toolkit's class for DRF, answered by our backend's `verify_request`."""

from oauth2_provider.contrib.rest_framework import OAuth2Authentication
from rest_framework.request import Request


class AgentBearer(OAuth2Authentication):
    """An access token whose audience is this API. A 401 says where to get one (RFC 9728 §5.1)."""

    def authenticate_header(self, request: Request) -> str:
        tenant = request.tenant
        origin, path = tenant.api_identifier.split("/t/", 1)
        metadata = f"{origin}/.well-known/oauth-protected-resource/t/{path}"
        return f'Bearer realm="{tenant.slug}", resource_metadata="{metadata}", scope="self:read"'
