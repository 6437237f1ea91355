"""The list of resources: what is protected, how each checks tokens, whom it lets in, and which want somebody."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.db.models.functions import Lower
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from console import snippets
from console.access import for_act
from console.kill_times import within
from console.narrowing import Chip, narrowing
from console.paging import Column, column, page
from delegations import reach
from delegations.reach import Reach
from delegations.sentence import in_words
from kit.orders import NEWEST, OLDEST, Order
from tenants.filters import QUIET, ResourceFilter
from tenants.models import ResourceServer, Tenant
from tenants.roles import Act
from tokens import receipts
from tokens.endpoints.request import MemberRequest

BY_NAME = Order("name", Lower("name"))
ORDERS = (NEWEST, OLDEST, BY_NAME)
FIELDS = ("q", "kind", "retired")
CHIPS = (
    Chip(_("Asks each time"), {"checks": "asks"}),
    Chip(_("Checks by itself"), {"checks": "itself"}),
    Chip(_("Should ask and does not"), {"silent": "true"}),
    Chip(_("Test failed"), {"failed": "true"}),
    Chip(_("Nobody is let in"), {"idle": "true"}),
    Chip(_("Retired"), {"retired": "true"}),
)
EXAMPLE: Mapping[str, object] = {
    "name": "Calendar",
    "identifier": "https://calendar.example.com/api",
    "scopes": [{"name": "events:read", "title": "Read events"}],
}
"""A resource as a program would add it."""
_NOBODY = Reach(people=0, agents=0, delegations=0)


@for_act(Act.RESOURCES_READ)
def listing(request: MemberRequest) -> HttpResponse:
    now = timezone.now()
    asked = narrowing(request, ResourceFilter, ResourceServer.objects.all(), shown=FIELDS, chips=CHIPS)
    found, pager = page(
        request, asked.rows, orders=ORDERS, dress=lambda rows: rows.annotate(scope_count=Count("scopes"))
    )
    held = reach.of_resources(found, now=now)
    content = {
        "narrowing": asked,
        "rows": [_row(each, held, tenant=request.tenant, now=now) for each in found],
        "pager": pager,
        "columns": _columns(request),
        "is_bare": not asked.is_narrowed and [each.identifier for each in found] == [request.tenant.api_identifier],
        "snippet": snippets.request(request.tenant, "resources", **EXAMPLE),
    }
    return render(request, "console/resources.html", content)


def kill_words(server: ResourceServer, tenant: Tenant) -> str:
    """Say how long after an end a token may still be accepted somewhere, or "" where the end holds at once."""
    return within(receipts.lag(server, tenant))


def check_words(server: ResourceServer, tenant: Tenant, *, now: datetime) -> dict[str, Any]:
    """Return how a resource checks tokens, how long an end takes there, and when it last asked, as the pages say it."""
    quiet_since = server.asked_at or server.created_at
    last = server.asked_at
    return {
        "asks": server.asks,
        "is_own": server.identifier == tenant.api_identifier,
        "kill_words": kill_words(server, tenant),
        "asked_at": last,
        "asked": in_words(last, now=now, time_zone=tenant.time_zone) if last else "",
        "is_silent": server.asks and server.retired_at is None and now - quiet_since > QUIET,
    }


def _columns(request: MemberRequest) -> Sequence[Column]:
    return (
        column(request, _("Resource"), BY_NAME, ORDERS),
        *(Column(label) for label in (_("Checks tokens"), _("Scopes"), _("Lets in"), _("Last asked"))),
        column(request, _("Added"), NEWEST, ORDERS),
    )


def _row(server: Any, held: Mapping[str, Reach], *, tenant: Tenant, now: datetime) -> dict[str, Any]:
    return {
        "id": server.pk,
        "name": server.name,
        "identifier": server.identifier,
        "initials": server.initials,
        "kind": server.get_kind_display(),
        "is_retired": server.retired_at is not None,
        "scope_count": server.scope_count,
        "reach": held.get(server.pk, _NOBODY),
        "probe_failed": bool(server.probe_failed),
        "created_at": server.created_at,
        **check_words(server, tenant, now=now),
    }
