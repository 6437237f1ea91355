"""Agents: the software that acts, whose it is, for how many people, and when it last did."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict

from django.db.models import Count, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from agents.filters import AgentFilter
from agents.models import Agent
from console.access import for_keepers
from console.paging import page
from console.rows import impersonates, publisher
from delegations.models import Delegation
from delegations.sentence import in_words
from tenants.models import Tenant
from tokens.endpoints.request import MemberRequest
from tokens.models import AccessToken

if TYPE_CHECKING:  # The stubs are not installed where the product runs.
    from django_stubs_ext import WithAnnotations

    UsedAgent = WithAnnotations[Agent, "Use"]


class Use(TypedDict):
    """For how many people an agent acts, and when it last did."""

    people_count: int
    last_used_at: datetime | None


@for_keepers
def listing(request: MemberRequest) -> HttpResponse:
    now = timezone.now()
    found = AgentFilter(request.GET, Agent.objects.all())
    agents = _with_use(found.qs, now).select_related("owner__user").prefetch_related("clients")
    rows, pager = page(request, agents)
    shown = [_row(agent, now=now, tenant=request.tenant) for agent in rows]
    return render(request, "console/agents.html", {"agents": shown, "filter_form": found.form, **pager})


def _with_use(agents: "QuerySet[Agent]", now: datetime) -> "QuerySet[UsedAgent]":
    live = Delegation.objects.live(now).filter(agent=OuterRef("pk")).order_by()
    people = live.values("agent").annotate(number=Count("member", distinct=True)).values("number")
    used = AccessToken.objects.filter(delegation__agent=OuterRef("pk")).order_by().values("delegation__agent")
    return agents.annotate(
        people_count=Coalesce(Subquery(people), 0),
        last_used_at=Subquery(used.annotate(latest=Max("created")).values("latest")),
    )


def _row(agent: "UsedAgent", *, now: datetime, tenant: Tenant) -> dict[str, Any]:
    client = next(iter(agent.clients.all()), None)
    last = agent.last_used_at
    return {
        "id": agent.pk,
        "name": agent.name,
        "initials": agent.initials,
        "publisher": publisher(client) if client else "",
        "is_verified": client is not None and client.is_verified,
        "impersonates": any(impersonates(each) for each in agent.clients.all()),
        "status": agent.status,
        "status_label": agent.get_status_display(),
        "how_registered": agent.get_registration_display(),
        "owner": str(agent.owner) if agent.owner else "",
        "people_count": agent.people_count,
        "last_used_at": last,
        "last_used": in_words(last, now=now, time_zone=tenant.time_zone) if last else "",
        "created_at": agent.created_at,
    }
