"""Protected resource metadata (RFC 9728 §2): of our own API, and of servers that have no place for theirs."""

import json
from collections.abc import Mapping

from django.http import JsonResponse
from django.http.response import HttpResponseBase

from tenants import directory
from tenants.models import Tenant
from tokens.endpoints.documents import document
from tokens.endpoints.request import TenantRequest
from tokens.opening import API_SCOPES

MAX_AGE = 300


def view(request: TenantRequest) -> HttpResponseBase:
    """Our own API: how an agent finds its way from a bare 401."""
    tenant = request.tenant
    scopes = [scope.name for scope in API_SCOPES]
    return _document(request, describe(tenant, tenant.api_identifier, f"{tenant.name} agent API", scopes))


def hosted(request: TenantRequest, resource_server_id: str) -> HttpResponseBase:
    """A registered resource server that asked for it; its challenges name this address as `resource_metadata`."""
    for protected in directory.resource_servers().values():
        if protected.server.pk == resource_server_id and protected.server.hosts_metadata:
            server = protected.server
            return _document(request, describe(request.tenant, server.identifier, server.name, list(protected.scopes)))
    return JsonResponse({"error": "not_found"}, status=404)


def describe(tenant: Tenant, identifier: str, name: str, scopes: list[str]) -> Mapping[str, object]:
    """Return the document; a member that would be empty is left out."""
    content = {
        "resource": identifier,
        "resource_name": name,
        "authorization_servers": [tenant.issuer],
        "scopes_supported": scopes,
        "bearer_methods_supported": ["header"],
    }
    return {member: value for member, value in content.items() if value}


def _document(request: TenantRequest, content: Mapping[str, object]) -> HttpResponseBase:
    return document(request, json.dumps(content).encode(), max_age=MAX_AGE)
