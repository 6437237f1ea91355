"""Lists as files: every row that the words of the list narrow it to, written while it is sent."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import transaction
from django.http import Http404, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from rest_framework.request import Request

from agents.models import Agent
from api.authentication import tenant_of
from api.door import Door
from api.errors import UnreadableQuery
from api.keepers import by
from api.narrowing import narrowed
from audit.ledger import JsonValue, record
from notices import exporting, lists, streams
from notices.models import Webhook
from notices.short_lists import SHORT
from tenants.roles import Act

if TYPE_CHECKING:
    from django.db.models import QuerySet


class _File(Door):
    """The same words as the list takes; CSV or JSON. Longer ones are written by the clock (`/exports`)."""

    http_method_names = ["get", "head", "options"]
    noun: ClassVar[str]

    @property
    def which(self) -> lists.List:
        return lists.REGISTRY[self.noun] if self.noun in lists.REGISTRY else SHORT[self.noun]

    def rows(self, **of: str) -> "QuerySet[Any]":
        """Return what the list holds before it is narrowed; `of` is what the address names."""
        return self.which.dressed()

    def get(self, request: Request, form: str, **of: str) -> HttpResponseBase:
        if form not in exporting.TYPES:
            raise Http404
        which, tenant = self.which, tenant_of(request)
        found = narrowed(request, self.rows(**of), which.filter, besides=frozenset())
        if streams.is_too_long(found):
            further = ", or ask for it at /exports" if self.noun in lists.REGISTRY else ""
            raise UnreadableQuery(f"That is more than {streams.MOST} rows. Narrow it{further}.")
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


class Keys(_File):
    noun, scopes, acts = "keys", {"GET": "keys:read"}, {"GET": Act.KEYS_READ}


class Jobs(_File):
    noun, scopes, acts = "jobs", {"GET": "jobs:read"}, {"GET": Act.JOBS_READ}


class Webhooks(_File):
    noun, scopes, acts = "webhooks", {"GET": "webhooks:read"}, {"GET": Act.WEBHOOKS_READ}


class Deliveries(_File):
    noun, scopes, acts = "deliveries", {"GET": "webhooks:read"}, {"GET": Act.WEBHOOKS_READ}

    def rows(self, **of: str) -> "QuerySet[Any]":
        return super().rows().filter(webhook=get_object_or_404(Webhook, pk=of["webhook_id"]))


class Tokens(_File):
    """The tokens of an agent that are good at this moment, without anything that is one."""

    noun, scopes, acts = "tokens", {"GET": "agents:read"}, {"GET": Act.AGENTS_READ}

    def rows(self, **of: str) -> "QuerySet[Any]":
        return super().rows().filter(delegation__agent=get_object_or_404(Agent, pk=of["agent_id"]))


class Invitations(_File):
    noun, scopes, acts = "invitations", {"GET": "members:read"}, {"GET": Act.MEMBERS_READ}


class RegistrationTokens(_File):
    noun, scopes, acts = "registration-tokens", {"GET": "registration:read"}, {"GET": Act.REGISTRATION_READ}


class SettingsHistory(_File):
    noun, scopes, acts = "settings-history", {"GET": "settings:read"}, {"GET": Act.SETTINGS_READ}
