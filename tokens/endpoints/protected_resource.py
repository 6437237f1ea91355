"""Protected resource metadata of this product's own API (RFC 9728 §2): how an agent finds its way from a bare 401."""

import json

from django.http.response import HttpResponseBase

from tokens.endpoints.documents import document
from tokens.endpoints.request import TenantRequest
from tokens.opening import API_SCOPES


def view(request: TenantRequest) -> HttpResponseBase:
    tenant = request.tenant
    content = {
        "resource": tenant.api_identifier,
        "resource_name": f"{tenant.name} agent API",
        "authorization_servers": [tenant.issuer],
        "scopes_supported": [scope.name for scope in API_SCOPES],
        "bearer_methods_supported": ["header"],
    }
    return document(request, json.dumps(content).encode(), max_age=300)
