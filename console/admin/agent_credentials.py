"""What an agent proves itself with, of all its clients in one table: since when, used when, and what lets it end."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, ngettext

from agents import credentials, overlaps, owning
from agents.credentials import Credential
from agents.models import Agent, Client
from console.access import for_agent
from delegations.sentence import in_words
from kit.oauth import AuthMethod
from tenants.roles import Act
from tenants.rules import may_see_console
from tokens.endpoints.request import MemberRequest

KINDS = {
    "secret": gettext_lazy("Secret"),
    "key": gettext_lazy("Key"),
    "key_set": gettext_lazy("Keys where it publishes them"),
    "platform": gettext_lazy("A platform's token"),
}
OFFERED = (1, overlaps.USUAL, 30)
"""Days after which what came before may end, as a form offers them."""


@for_agent(Act.AGENTS_READ)
def view(request: MemberRequest, agent_id: str) -> HttpResponse:
    agent, zone = get_object_or_404(Agent, pk=agent_id), request.tenant.time_zone
    clients = list(agent.clients.order_by("pk"))
    held = credentials.of_each(clients)
    may_turn = agent.status != Agent.Status.RETIRED and owning.may_turn_keys(request.member, agent)
    content = {
        "agent": agent,
        "looks_after": may_see_console(request.member),
        "rows": [
            {**row, "client": client, "may_retire": may_turn and may_come(client)}
            for client in clients
            for row in rows(held[client.pk], time_zone=zone)
        ],
        "adding": [adding(client, held[client.pk]) for client in clients if may_turn and may_come(client)],
    }
    return render(request, "console/agent_credentials.html", content)


def rows(held: Iterable[Credential], *, time_zone: str) -> list[Mapping[str, Any]]:
    """Return credentials as lists show them; `ends` says when, or what its end waits for."""
    now = timezone.now()
    return [_row(each, now=now, time_zone=time_zone) for each in held]


def _row(credential: Credential, *, now: datetime, time_zone: str) -> Mapping[str, Any]:
    used = {
        name: in_words(at, now=now, time_zone=time_zone) if at else ""
        for name, at in (("first", credential.first_used_at), ("last", credential.last_used_at))
    }
    days, ends = credential.overlap_days, ""
    if credential.ends_at is not None:
        ends = in_words(credential.ends_at, now=now, time_zone=time_zone)
    elif days is not None:
        ends = after_first_use(days)
    return {"credential": credential, "kind": KINDS[credential.kind], "used": used, "ends": ends}


def adding(client: Client, held: list[Credential]) -> Mapping[str, Any]:
    """Return what may be added to a client by hand, and whether something is there that may end then."""
    takes_secret = client.auth_method in {AuthMethod.SECRET_BASIC, AuthMethod.SECRET_POST}
    return {
        "client": client,
        "secret": takes_secret,
        "key": not (client.is_document or client.jwks_uri or client.is_public),
        "offered": offered(held, "secret"),
    }


def offered(held: list[Credential], kind: str) -> list[tuple[int, str, bool]]:
    """Return after how many days what came before may end, in words, and which is proposed; none where nothing did."""
    is_beside = any(each.kind == kind and each.is_usable and each.overlap_days is None for each in held)
    return [(days, after_first_use(days), days == overlaps.USUAL) for days in OFFERED] if is_beside else []


def after_first_use(days: int) -> str:
    words = ngettext("%(n)s day after the new one is first used", "%(n)s days after the new one is first used", days)
    return words % {"n": days}


def stays(days: int | None) -> str:
    """Say what becomes of the secrets that were there before a new one."""
    if days is None:
        return gettext("The secrets before it stay good until you retire them.")
    return gettext("The secrets before it end %(when)s.") % {"when": after_first_use(days)}


def days_of(request: HttpRequest) -> int | None:
    """Return for how many days a form lets what came before go on; 0, which is refused, for what is no number."""
    text = request.POST.get("overlap_days", "")
    if not text:
        return None
    return int(text) if text.isdecimal() and len(text) < 4 else 0


def may_come(client: Client) -> bool:
    return bool(client.status == Client.Status.ACTIVE)
