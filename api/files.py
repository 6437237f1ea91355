"""Lists as files: every row that the words of the list narrow it to, written while it is sent."""

from typing import ClassVar

from django.db import transaction
from django.http import Http404, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from api.authentication import tenant_of
from api.door import Door
from api.errors import UnreadableQuery
from api.keepers import by
from api.narrowing import narrowed
from audit.ledger import JsonValue, record
from notices import exporting, lists, streams
from tenants.roles import Act


class _File(Door):
    """The same words as the list takes; CSV or JSON. Longer ones are written by the clock (`/exports`)."""

    http_method_names = ["get", "head", "options"]
    noun: ClassVar[str]

    def get(self, request: Request, form: str) -> HttpResponseBase:
        if form not in exporting.TYPES:
            raise Http404
        which, tenant = lists.REGISTRY[self.noun], tenant_of(request)
        found = narrowed(request, which.dressed(), which.filter, besides=frozenset())
        if streams.is_too_long(found):
            raise UnreadableQuery(f"That is more than {streams.MOST} rows. Narrow it, or ask for it at /exports.")
        asked = [f"{name}: {value}" for name, value in sorted(request.query_params.items())]
        with transaction.atomic():
            detail: dict[str, JsonValue] = {"list": self.noun, "asked": asked, "form": form}
            detail["rows"] = found.order_by().count()
            record(which.event, by=by(request), about=tenant, detail=detail)
        lines = streams.pieces(tenant, which, found, form)
        name = f'attachment; filename="{self.noun}-{tenant.slug}.{form}"'
        headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
        return StreamingHttpResponse(lines, content_type=exporting.TYPES[form], headers=headers)


class Agents(_File):
    noun, scopes, acts = "agents", {"GET": "agents:read"}, {"GET": Act.AGENTS_READ}


class Approvals(_File):
    noun, scopes, acts = "approvals", {"GET": "approvals:read"}, {"GET": Act.APPROVALS_READ}


class Members(_File):
    noun, scopes, acts = "members", {"GET": "members:read"}, {"GET": Act.MEMBERS_READ}


class Resources(_File):
    noun, scopes, acts = "resources", {"GET": "resources:read"}, {"GET": Act.RESOURCES_READ}


class Issuers(_File):
    noun, scopes, acts = "issuers", {"GET": "trust:read"}, {"GET": Act.TRUST_READ}


class Audiences(_File):
    noun, scopes, acts = "audiences", {"GET": "trust:read"}, {"GET": Act.TRUST_READ}
