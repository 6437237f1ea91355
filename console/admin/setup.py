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
from django.views.decorators.http import require_POST, require_safe

from agents import introspectors
from console.access import for_act, principal
from console.admin.resources import resource_of
from console.attempt import attempt
from tenants.models import ResourceServer, Tenant
from tenants.roles import Act, may
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
    return _page(request, resource_of(resource_id))


@require_POST
@for_act(Act.CREDENTIALS_WRITE)
def give_secret(request: MemberRequest, resource_id: str) -> HttpResponse:
    """Show the secret of the client with which the resource's server asks, this once."""
    server = resource_of(resource_id)
    given: list[Any] = []
    refused = attempt(lambda: given.extend(introspectors.give_secret(server, by=principal(request))))
    if refused:
        return _page(request, server, said=refused, status=409)
    return _page(request, server, secret=given[1])


def _page(
    request: MemberRequest, server: ResourceServer, *, said: str = "", secret: str = "", status: int = 200
) -> HttpResponse:
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
        "client": introspectors.of(server),
        "may_give": may(request.member, Act.CREDENTIALS_WRITE) and server.retired_at is None,
        "said": said,
        "shown": secret,
        "facts": addresses(request.tenant),
    }
    if content["is_possible"]:
        content["code"] = snippet(chosen.name, server, request.tenant)
    return render(request, "console/setup.html", content, status=status)


def addresses(tenant: Tenant) -> Mapping[str, str]:
    """Return where a resource's server finds what it needs of a tenant."""
    return {
        "issuer": tenant.issuer,
        "jwks": f"{tenant.issuer}/jwks.json",
        "introspection": f"{tenant.issuer}/introspect",
    }


def snippet(name: str, server: ResourceServer, tenant: Tenant) -> str:
    """Return the program for a framework, filled in: a text like any other, which a page has to escape."""
    rendered = render_to_string(f"setup/{name}.txt", _values(server, tenant))
    return f"{rendered.strip()}\n"  # Put together anew, it is no longer what a template calls safe.


def _values(server: ResourceServer, tenant: Tenant) -> Mapping[str, Any]:
    parts = urlsplit(server.identifier)
    document = probing.metadata_url(server.identifier)
    hosted = f"{tenant.issuer}/resource-metadata/{server.pk}"
    scopes = [scope.name for scope in server.scopes.all()]
    client = introspectors.of(server)
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


def _install(framework: Framework, *, asks: bool) -> str:
    ours = "" if framework.name in _BY_ITSELF else " httpx" if asks else " 'pyjwt[crypto]'"
    return f"pip install {framework.packages}{ours}"
