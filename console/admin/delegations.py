"""Delegations: who lets which agent do what, where, and until when, in any order and as a file."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Coalesce
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from audit.events import Event
from audit.ledger import record
from console import choosing, columns, exports, saved, snippets
from console.access import for_keepers, for_owners, principal
from console.admin import delegation_groups
from console.job_rows import at_work
from console.narrowing import Chip, Narrowing, narrowing
from console.paging import Column, column, page
from console.rows import delegation_row
from delegations.filters import DelegationFilter
from delegations.groups import By
from delegations.models import Delegation
from kit.orders import NEWEST, OLDEST, Order
from notices import exporting, lists
from tenants.roles import Act, may
from tenants.rules import may_see_console
from tokens import impact, installations
from tokens.endpoints.request import MemberRequest

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from tokens.impact import UsedDelegation

_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
BY_PERSON = Order("person", Coalesce("member__user__name", Value("")))
ENDING_FIRST = Order("ends", Coalesce("expires_at", Value(_NEVER)))
ORDERS = (NEWEST, OLDEST, BY_PERSON, ENDING_FIRST)
FIELDS = ("q", "state")
FURTHER = ("who", "agent", "resource", "scope", "ends_before", "unused_since")
CHIPS = (
    Chip(gettext_lazy("Ends in 7 days"), {"ends_before": "7d"}),
    Chip(gettext_lazy("Unused for 30 days"), {"unused_since": "30d"}),
    Chip(gettext_lazy("Never used"), {"never_used": "true"}),
    Chip(gettext_lazy("No end date"), {"no_end": "true"}),
    Chip(gettext_lazy("With sub-agents"), {"handed_on": "true"}),
    Chip(gettext_lazy("Ended"), {"state": "over"}),
)

VERBS = (("", gettext_lazy("End those"), "risk"),)


@for_owners
def listing(request: MemberRequest) -> HttpResponse:
    now = timezone.now()
    asked = _asked(request)
    if by := delegation_groups.chosen(request):
        return _grouped(request, asked, by)
    found, pager = page(request, asked.rows, orders=ORDERS, dress=_dressed)
    places = installations.of(found, now=now)
    rows = [
        {**delegation_row(delegation, now=now, tenant=request.tenant), "places": len(places[delegation.pk])}
        for delegation in found
    ]
    may_end = may(request.member, Act.DELEGATIONS_END)
    content = {"rows": rows, "narrowing": asked, "pager": pager, "may_end": may_end}
    content["table"] = columns.choose(request, _columns(request))
    content["looks_after"] = looks_after = may_see_console(request.member)  # Whose lists are files, too.
    content["job"] = at_work(request) if looks_after else None
    content["snippet"] = snippets.authorization(request.tenant)
    content |= {"saved": saved.above(request, "delegations"), "ways": delegation_groups.links(request)}
    if may_end:
        content["choosing"] = ticks = choosing.above(request, reverse("end-many"), VERBS)
        content["rows"] = [{**row, "may_end": True, "is_ticked": ticks["is_ticked"]} for row in rows]
    return render(request, "console/delegations.html", content)


def _grouped(request: MemberRequest, asked: Narrowing, by: By) -> HttpResponse:
    content = {
        "looks_after": may_see_console(request.member),
        "narrowing": asked,
        "groups": delegation_groups.shown(request, asked, by),
        "ways": delegation_groups.links(request),
        "may_end": may(request.member, Act.DELEGATIONS_END),
        "saved": saved.above(request, "delegations"),
    }
    return render(request, "console/delegations.html", content)


@for_keepers
def export(request: MemberRequest, form: str) -> HttpResponse:
    if form not in exporting.TYPES:
        raise Http404
    asked = _asked(request)
    detail: dict[str, str | int] = {"filter": asked.query, "form": form, "rows": asked.rows.order_by().count()}
    with transaction.atomic():
        record(Event.DELEGATIONS_EXPORTED, by=principal(request), about=request.tenant, detail=detail)
    return exports.answer(request.tenant, lists.DELEGATIONS, _dressed(asked.rows), form)


def _asked(request: MemberRequest) -> Narrowing:
    visible = Delegation.objects.visible_to(request.member)
    return narrowing(request, DelegationFilter, visible, shown=FIELDS, further=FURTHER, chips=CHIPS, has_columns=True)


def _dressed(rows: "QuerySet[Delegation]") -> "QuerySet[UsedDelegation]":
    # `with_names` is the queryset's own; narrowing keeps its class.
    return impact.with_use(rows.with_names())  # type: ignore[attr-defined]


def _columns(request: MemberRequest) -> Sequence[Column]:
    return (
        *((Column(""),) if may(request.member, Act.DELEGATIONS_END) else ()),
        column(request, gettext_lazy("Person"), BY_PERSON, ORDERS),
        Column(gettext_lazy("Agent"), word="agent"),
        Column(gettext_lazy("Resource and scopes"), word="resource"),
        column(request, gettext_lazy("Ends"), ENDING_FIRST, ORDERS, word="ends"),
        Column(gettext_lazy("Last used"), word="used"),
        column(request, gettext_lazy("Allowed"), NEWEST, ORDERS, word="allowed"),
    )
