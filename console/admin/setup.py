"""How a resource's own server lets agents in: a program for each framework, with this tenant's and this resource's
values in it.

Each one is played by a test as it stands on the page. A secret stands in none of them: the name of its variable does.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from agents.models import Client
from console.access import for_act
from console.admin.resources import resource_of
from tenants.models import ResourceServer, Tenant
from tenants.roles import Act
from tokens import probing
from tokens.endpoints.request import MemberRequest

SECRET = "REMIT_INTROSPECTION_SECRET"


@dataclass(frozen=True, slots=True)
class Framework:
    """What a server is written with, what is installed for it, and how it is started."""

    name: str
    title: str
    packages: str
    start: str


_UVICORN = "uvicorn server:app"
FRAMEWORKS = (
    Framework("fastmcp", "FastMCP", "fastmcp uvicorn", _UVICORN),
    Framework("mcp", "MCP SDK", "'mcp>=2.3' uvicorn", _UVICORN),
    Framework("django", "Django", "django", ""),
    Framework("fastapi", "FastAPI", "fastapi uvicorn", _UVICORN),
    Framework("starlette", "Starlette", "starlette uvicorn", _UVICORN),
)
_BY_ITSELF = frozenset({"fastmcp"})
"""What checks tokens with nothing of ours."""


@require_safe
@for_act(Act.RESOURCES_READ)
def page(request: MemberRequest, resource_id: str) -> HttpResponse:
    server = resource_of(resource_id)
    if server.identifier == request.tenant.api_identifier:
        raise Http404
    usual = "fastmcp" if server.kind == ResourceServer.Kind.MCP else "fastapi"
    wanted = request.GET.get("for", usual)
    chosen = next((each for each in FRAMEWORKS if each.name == wanted), FRAMEWORKS[0])
    content = {
        "server": server,
        "frameworks": FRAMEWORKS,
        "chosen": chosen,
        "is_possible": urlsplit(server.identifier).scheme in {"http", "https"},
        "install": _install(chosen, asks=server.asks),
        "secret": SECRET,
        "client": _asker(server),
        "facts": addresses(request.tenant),
    }
    if content["is_possible"]:
        content["code"] = snippet(chosen.name, server, request.tenant)
    return render(request, "console/setup.html", content)


def addresses(tenant: Tenant) -> Mapping[str, str]:
    """Return where a resource's server finds what it needs of a tenant."""
    return {
        "issuer": tenant.issuer,
        "jwks": f"{tenant.issuer}/jwks.json",
        "introspection": f"{tenant.issuer}/introspect",
    }


def snippet(name: str, server: ResourceServer, tenant: Tenant) -> str:
    """Return the program for a framework, filled in."""
    return render_to_string(f"setup/{name}.txt", _values(server, tenant)).strip() + "\n"


def _values(server: ResourceServer, tenant: Tenant) -> Mapping[str, Any]:
    parts = urlsplit(server.identifier)
    document = probing.metadata_url(server.identifier)
    hosted = f"{tenant.issuer}/resource-metadata/{server.pk}"
    scopes = [scope.name for scope in server.scopes.all()]
    client = _asker(server)
    texts = {
        **addresses(tenant),
        "audience": server.identifier,
        "algorithm": server.signing_algorithm,
        "metadata": hosted if server.hosts_metadata else document,
        "metadata_path": urlsplit(document).path,
        "django_metadata_path": urlsplit(document).path.removeprefix("/"),
        "origin": f"{parts.scheme}://{parts.netloc}",
        "host": parts.netloc,
        "path": parts.path or "/",
        "django_path": parts.path.removeprefix("/"),
        "name": server.name,
        "scope": scopes[0] if scopes else "",
        "scopes": scopes,
        "client_id": client.client_id if client else "",
    }
    # JSON's texts and lists are Python's; whatever a name or an address holds, it stays within its quotes.
    written = {name: mark_safe(json.dumps(value)) for name, value in texts.items()}  # noqa: S308
    return {**written, "secret": SECRET, "asks": server.asks, "is_hosted": server.hosts_metadata}


def _asker(server: ResourceServer) -> Client | None:
    """Return the client with which a resource's server asks about tokens, where there is one."""
    askers = Client.objects.filter(resource_server=server, agent=None, status=Client.Status.ACTIVE)
    return askers.order_by("-pk").first()


def _install(framework: Framework, *, asks: bool) -> str:
    ours = "" if framework.name in _BY_ITSELF else " httpx" if asks else " 'pyjwt[crypto]'"
    return f"pip install {framework.packages}{ours}"
