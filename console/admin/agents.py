"""Agents: the software that acts, whose it is, for how many people, when it last did. Buttons: `agent_verbs`."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, ngettext

from agents import confirming, logos, owning, ranking, risk
from agents.filters import AgentFilter
from agents.models import Agent, Client
from console import choosing, columns, saved, snippets
from console.access import for_owners
from console.narrowing import Chip, narrowing
from console.paging import Column, column, page
from console.rows import impersonates, publisher
from delegations.sentence import in_words
from kit.orders import Order
from notices import many_agents
from tenants.models import Tenant
from tenants.rules import may_see_console
from tokens import noticed
from tokens.endpoints.request import MemberRequest
from tokens.noticed import Noticed

FIELDS = ("q", "status")
FURTHER = ("owner", "registration", "unused_since")
CHIPS = (
    Chip(gettext_lazy("No owner"), {"no_owner": "true"}),
    Chip(gettext_lazy("Unused for 30 days"), {"unused_since": "30d"}),
    Chip(gettext_lazy("Unverified"), {"unverified": "true"}),
    Chip(gettext_lazy("Can write"), {"can_write": "true"}),
    Chip(gettext_lazy("High risk"), {"high_risk": "true"}),
    Chip(gettext_lazy("Not confirmed"), {"not_confirmed": "true"}),
    Chip(gettext_lazy("Sub-agents"), {"helps": "true"}),
)
VERBS = (
    (many_agents.Deed.PAUSE.value, gettext_lazy("Pause those"), ""),
    (many_agents.Deed.RESUME.value, gettext_lazy("Resume those"), ""),
    (many_agents.Deed.OWNER.value, gettext_lazy("Change their owner"), ""),
    (many_agents.Deed.CONFIRM.value, gettext_lazy("Ask their owners"), ""),
)
QUIET = timedelta(days=30)


@for_owners
def listing(request: MemberRequest) -> HttpResponse:
    now = timezone.now()
    chips = (*CHIPS, Chip(gettext_lazy("Mine"), {"answered_by": request.member.pk}))
    by_word, seen_by = ranking.orders(now), owning.visible_to(request.member)
    orders = tuple(by_word.values())
    asked = narrowing(
        request,
        AgentFilter,
        seen_by,
        shown=FIELDS,
        further=FURTHER,
        chips=chips,
        is_ordered_there=True,
        has_columns=True,
    )

    def dressed(rows: "QuerySet[Agent]") -> "QuerySet[Agent]":
        return rows.select_related("owner__user").prefetch_related("clients")

    found, pager = page(request, asked.rows, orders=orders, dress=dressed)
    ticks = choosing.above(request, reverse("many-agents"), VERBS) if request.member.is_admin else {}
    place = {"may_pause": request.member.is_admin, "query": asked.query, "is_ticked": ticks.get("is_ticked")}
    seen = noticed.of_agents(found, now=now)
    places = logos.places(next(iter(seen.values())).pictured if seen else ())
    rows = [{**_row(agent, seen[agent.pk], now=now, tenant=request.tenant, places=places), **place} for agent in found]
    table = columns.choose(request, _columns(request, by_word, orders))
    content = {"rows": rows, "narrowing": asked, "pager": pager, "table": table}
    content["snippet"] = "" if rows else snippets.registration(request.tenant)
    content["looks_after"] = may_see_console(request.member)  # Whose lists are files, too.
    content |= {"saved": saved.above(request, "agents"), "choosing": ticks}
    return render(request, "console/agents.html", content)


def _worries(agent: Agent, client: Client | None, seen: Noticed, now: datetime) -> list[str | Promise]:
    """Return what somebody should look at, the gravest first."""
    is_quiet = seen.people and now - (seen.last_used_at or agent.created_at) > QUIET
    is_said = any(each.rule == "unverified-writes" for each in seen.risks)
    is_stranger = client is not None and not client.is_verified and not is_said
    found: tuple[tuple[object, str | Promise], ...] = (
        *((each.is_high, each.words) for each in seen.risks),
        (is_stranger, gettext_lazy("Nobody vouches for who runs it.")),
        (is_quiet, gettext_lazy("It was not used for 30 days.")),
        (confirming.is_asked(agent), gettext_lazy("Its owners have not confirmed it.")),
    )
    return [words for holds, words in found if holds and agent.status in risk.AT_WORK]


def _columns(request: MemberRequest, by: Mapping[str, Order], orders: Sequence[Order]) -> Sequence[Column]:
    return (
        *((Column(""),) if request.member.is_admin else ()),
        column(request, gettext_lazy("Agent"), by["name"], orders),
        column(request, gettext_lazy("Status and risk"), by["risk"], orders, word="status"),
        Column(gettext_lazy("Owner"), word="owner"),
        Column(gettext_lazy("Acting for"), word="acting"),
        column(request, gettext_lazy("Refused"), by["refused"], orders, word="refused"),
        column(request, gettext_lazy("Secret"), by["secret"], orders, word="secret"),
        column(request, gettext_lazy("Registered"), by["newest"], orders, word="registered"),
        *((Column(""),) if request.member.is_admin else ()),
    )


def _row(agent: Agent, seen: Noticed, *, now: datetime, tenant: Tenant, places: Mapping[str, str]) -> dict[str, Any]:
    client = next(iter(agent.clients.all()), None)
    last = seen.last_used_at
    return {
        "id": agent.pk,
        "name": agent.name,
        "initials": agent.initials,
        "logo": places.get(client.pk, "") if client else "",
        "publisher": publisher(client) if client else "",
        "is_verified": client is not None and client.is_verified,
        "impersonates": any(impersonates(each) for each in agent.clients.all()),
        "status": agent.status,
        "status_label": agent.get_status_display(),
        "how_registered": agent.get_registration_display(),
        "owner": str(agent.owner) if agent.owner else "",
        "people_count": seen.people,
        "resource_count": seen.resources,
        "worries": _worries(agent, client, seen, now),
        "is_high": seen.is_high,
        "refused": seen.refused,
        "oldest_secret": _secret(now - seen.oldest_at) if seen.oldest_at else "",
        "last_used_at": last,
        "last_used": in_words(last, now=now, time_zone=tenant.time_zone) if last else "",
        "created_at": agent.created_at,
    }


def _secret(age: timedelta) -> str:
    return ngettext("%(n)s day", "%(n)s days", age.days) % {"n": age.days}
