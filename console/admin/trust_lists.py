"""The lists of trust: whose word counts here and about what, and which servers elsewhere believe ours."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Lower
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agents.models import AssertionRule, NameElsewhere
from console import snippets
from console.access import for_act
from console.admin import trust_removed
from console.admin.trust import SHORT, Purpose, key_words
from console.narrowing import Chip, Narrowing, narrowing
from console.paging import Column, column, page
from delegations.models import Delegation
from kit.orders import NEWEST, OLDEST, Order
from tenants.models import Tenant
from tenants.roles import Act, may
from tokens.endpoints.request import MemberRequest
from trust import heard
from trust.filters import AudienceFilter, IssuerFilter
from trust.heard import NOTHING, Heard
from trust.models import Audience, TrustedIssuer

BY_NAME = Order("name", Lower("name"))
ORDERS = (BY_NAME, NEWEST, OLDEST)
CHIPS = (
    Chip(_("Sign-in"), {"purpose": Purpose.SIGN_IN.value}),
    Chip(_("Agents of people"), {"purpose": Purpose.ID_JAG.value}),
    Chip(_("Platforms"), {"purpose": Purpose.WORKLOAD.value}),
    Chip(_("Gives no keys"), {"silent": "true"}),
    Chip(_("Keys swapped"), {"swapped": "true"}),
    Chip(_("Off"), {"enabled": "false"}),
)
_PLATFORMS = frozenset({Purpose.WORKLOAD, Purpose.FEDERATION})
ISSUERS = {"here": "issuers", "row": "ui/issuer_row.html", "icon": "globe"}
AUDIENCES = {"here": "audiences", "row": "ui/audience_row.html", "icon": "link"}
"""What the page of each list is made of."""
ISSUER = {"issuer": "https://idp.example.com", "name": "Example", "key_source": "metadata", "purposes": ["sign_in"]}
AUDIENCE = {"issuer": "https://server.example.com", "name": "Example"}
"""One of each list as a program would add it."""
PLACES = 3
"""How many resources a line names of a server elsewhere."""


@for_act(Act.TRUST_READ)
def issuers(request: MemberRequest) -> HttpResponse:
    now, asked = timezone.now(), _issuers(request)
    found, pager = page(request, asked.rows, orders=ORDERS, dress=lambda rows: _standing(rows.defer("jwks"), now))
    lately = heard.lately(now) if found else {}
    rows = [_issuer_row(each, lately, now, request.tenant.time_zone) for each in found]
    columns = (
        column(request, _("Issuer"), BY_NAME, ORDERS),
        *(Column(label) for label in (_("Believed about"), _("Who its people are"), _("May open"), _("Keys"))),
        Column(_("Assertions, 24 h")),
        Column(_("Stands on it")),
    )
    # What a platform brings is said where one is on the page.
    brings = any(_PLATFORMS & {Purpose(each) for each in issuer.purposes} for issuer in found)
    is_off = brings and request.tenant.workloads == Tenant.Registration.OFF
    further = {"workloads_are_off": is_off, "removed": trust_removed.removed(now), "not_found": _("No issuer found.")}
    further["snippet"] = snippets.request(request.tenant, "trust/issuers", **ISSUER)
    content = {**_shown(request, asked, rows, pager, columns), **ISSUERS, **further}
    return render(request, "console/trust.html", content)


@for_act(Act.TRUST_READ)
def audiences(request: MemberRequest) -> HttpResponse:
    now, asked = timezone.now(), _audiences(request)
    found, pager = page(request, asked.rows, orders=ORDERS, dress=lambda rows: _with_numbers(rows, now))
    columns = (
        column(request, _("Server"), BY_NAME, ORDERS),
        *(Column(label) for label in (_("Resources and scopes"), _("Clients known there"), _("Rules"))),
        Column(_("Delegations")),
    )
    shown = _shown(request, asked, [_audience_row(each) for each in found], pager, columns)
    content = {**shown, **AUDIENCES, "not_found": _("No server found.")}
    content["snippet"] = snippets.request(request.tenant, "trust/audiences", **AUDIENCE)
    return render(request, "console/audiences.html", content)


def _issuers(request: MemberRequest) -> Narrowing:
    shown = ("q", "purpose", "enabled")
    return narrowing(request, IssuerFilter, TrustedIssuer.objects.all(), shown=shown, chips=CHIPS)


def _audiences(request: MemberRequest) -> Narrowing:
    return narrowing(request, AudienceFilter, Audience.objects.all(), shown=("q", "enabled"))


def _shown(
    request: MemberRequest,
    asked: Narrowing,
    rows: Sequence[Any],
    pager: Mapping[str, object],
    columns: Sequence[Column],
) -> dict[str, Any]:
    may_change = may(request.member, Act.TRUST_WRITE)
    return {"narrowing": asked, "rows": rows, "pager": pager, "columns": columns, "may_change": may_change}


def _standing(issuers: "QuerySet[TrustedIssuer]", now: datetime) -> "QuerySet[Any]":
    """Annotate how many delegations that are alive stand on each issuer's word."""
    return issuers.annotate(standing=_number(Delegation.objects.live(now), "issuer"))


def _with_numbers(audiences: "QuerySet[Audience]", now: datetime) -> "QuerySet[Any]":
    """Annotate how many delegations, clients known there and rules each server has."""
    return audiences.annotate(
        standing=_number(Delegation.objects.live(now), "elsewhere"),
        name_count=_number(NameElsewhere.objects.all(), "audience"),
        rule_count=_number(AssertionRule.objects.all(), "audience"),
    )


def _number(rows: "QuerySet[Any]", of: str) -> Coalesce:
    mine = rows.filter(**{of: OuterRef("pk")}).order_by().values(of)
    return Coalesce(Subquery(mine.annotate(number=Count("pk")).values("number")), 0)


def _issuer_row(issuer: Any, lately: Mapping[str, Heard], now: datetime, zone: str) -> dict[str, Any]:
    return {
        "id": issuer.pk,
        "name": issuer.name,
        "issuer": issuer.issuer,
        "used_for": [SHORT[each] for each in Purpose if each in issuer.purposes],
        "mappings": [TrustedIssuer.Mapping(each).label for each in issuer.mappings],
        "scopes": sum(len(scopes) for scopes in issuer.resources.values()),
        "places": len(issuer.resources),
        "standing": issuer.standing,
        "heard": lately.get(issuer.pk, NOTHING),
        "is_enabled": issuer.is_enabled,
        **key_words(issuer, now=now, zone=zone),
    }


def _audience_row(audience: Any) -> dict[str, Any]:
    places = [(resource, sorted(scopes)) for resource, scopes in audience.resources.items()]
    return {
        "id": audience.pk,
        "name": audience.name,
        "issuer": audience.issuer,
        "places": places[:PLACES],
        "more": max(0, len(places) - PLACES),
        "names": audience.name_count,
        "rules": audience.rule_count,
        "standing": audience.standing,
        "is_enabled": audience.is_enabled,
    }
