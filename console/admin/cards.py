"""A question as its card shows it: what is known of the agent, and what the approver typed so far."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext

from agents import admission, remarks, risk, together
from agents.alike import Alike
from agents.models import Agent, Approval, Client, Plea
from console import people
from console.admin import decisions
from console.admin.beside import Beside
from delegations.models import Delegation
from kit import uris
from tenants import directory
from tenants.models import Tenant
from tokens.endpoints.request import MemberRequest


@dataclass(frozen=True, slots=True)
class Typed:
    """What an approver typed into one card that is shown again, and what is wrong with it."""

    approval_id: str
    post: QueryDict
    errors: Mapping[str, str] = field(default_factory=dict)


def card(
    approval: Approval, request: MemberRequest, typed: Typed | None, beside: Beside, before: Mapping[str, Alike]
) -> dict[str, Any]:
    """Return one open question."""
    client, agent = approval.client, approval.agent
    pleas = list(approval.pleas.all())
    mine = typed if typed is not None and typed.approval_id == approval.pk else None
    # Whoever was told that a denial lacks its reason typed nothing into the form that approves.
    approving = mine if mine is not None and "owner" in mine.post else None
    risks = risk.of(approval, now=timezone.now(), known=beside.names)
    usual_owner = agent.owner or (pleas[0].member if pleas else request.member)
    return {
        "id": approval.pk,
        "version": approval.version,
        "kind": approval.get_kind_display(),
        "is_change": approval.kind == Approval.Kind.CHANGE,
        "is_more": approval.kind == Approval.Kind.SCOPES,
        **_of_agent(agent),
        **(_known(client, beside.logos) if client else {}),
        "demanded": _demanded(approval, request.tenant),
        "resources": [_resource(approval, name, scopes, approving) for name, scopes in sorted(approval.asked.items())],
        "changes": [{"what": what, "before": before, "after": after} for what, before, after in approval.changes],
        "pleas": [_plea(each) for each in pleas[:5]],
        "people": len(pleas),
        "acting_for": approval.acting_for,  # type: ignore[attr-defined]  # `dressed` counts it.
        "longest": _longest(agent, request.tenant),
        "remarks": remarks.lines(approval.remarks.all()),
        "risks": [each.words for each in risks] or [worry for worry in [together.worry(approval, risks)] if worry],
        "is_high": any(each.is_high for each in risks),
        "alike": before.get(approval.pk),
        "same": "" if together.worry(approval, risks) else together.key(approval),
        "since": approval.created_at,
        "assigned_to": approval.assigned_to_id or "",
        "assignee": str(approval.assigned_to) if approval.assigned_to else "",
        "owner": decisions.said(approving.post, "owner") if approving else usual_owner.email,
        "fill": {**(filled(approving.post) if approving else _proposed(approval)), **_talked(mine)},
        "errors": mine.errors if mine else {},
        "is_narrowed": approving is not None or bool(approval.kind == Approval.Kind.RENEWAL and agent.people),
    }


def _of_agent(agent: Agent) -> dict[str, str]:
    return {"agent_name": agent.name, "agent_initials": agent.initials, "purpose": agent.purpose}


def _plea(plea: Plea) -> dict[str, str]:
    """Return who wants the agent, in which groups they are, and why."""
    return {"who": str(plea.member), "team": ", ".join(plea.member.groups[:2]), "reason": plea.reason}


def _known(client: Client, places: Mapping[str, str]) -> dict[str, Any]:
    """Return what is known of who is behind a client."""
    return {
        "logo": places.get(client.pk, ""),
        "host": client.host,
        "is_verified": client.is_verified,
        "is_document": client.is_document,
        "vouched_by": client.software_issuer.name if client.software_issuer else "",
        "holds_key": bool(client.jwks or client.jwks_uri),
        "redirects": [uris.host_of(uri) for uri in client.redirect_uris[:5]],
    }


def _demanded(approval: Approval, tenant: Tenant) -> str:
    """Return which rule of the tenant asks for the decision, in words."""
    client = approval.client
    words = {
        Approval.Kind.CHANGE: gettext("What was approved is what runs: what changed since is asked again."),
        Approval.Kind.RENEWAL: gettext("Its approval was given until a day that is over."),
        Approval.Kind.SCOPES: gettext("It asks for more than was approved."),
    }
    if found := words.get(Approval.Kind(approval.kind)):
        return found
    if client is not None and client.is_document:
        by_hosts = tenant.documents == Tenant.Registration.HOSTS
        return (
            gettext("Its document lies at a host that is not let in by itself.")
            if by_hosts
            else gettext("Agents with a document wait for an approval here.")
        )
    if tenant.registration == Tenant.Registration.HOSTS:
        return gettext("It returns to a host that is not let in by itself.")
    return gettext("Agents that register themselves wait for an approval here.")


def _longest(agent: Agent, tenant: Tenant) -> str:
    """Return how long people may let it act at most, in words."""
    most = int(timedelta(days=tenant.longest_delegation_days).total_seconds())
    return decisions.span(min(agent.longest_seconds or most, most))


def with_alike(shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return cards, each with the ids of those that can be decided together with it: of low risk, and the same."""
    by_key: dict[str, list[str]] = defaultdict(list)
    for each in shown:
        by_key[each["same"]].append(each["id"])
    return [{**each, "together": by_key[each["same"]] if each["same"] else []} for each in shown]


def choices(tenant: Tenant, beside: Beside) -> dict[str, Any]:
    """Return what every card offers: who decides, groups, lifetimes, reasons."""
    return {
        "deciders": beside.deciders,
        "groups": [(f"{decisions.GROUP}{group}", group) for group in beside.groups],
        "lifetimes": decisions.lifetimes(tenant),
        "presets": [(value, gettext(words)) for value, words in admission.PRESETS.items()],
    }


def _proposed(approval: Approval) -> dict[str, Any]:
    """Return what a card proposes: of an agent whose approval ended, what it had."""
    return {"is_anything": not approval.asked, **usual(approval.agent)}


def usual(agent: Agent) -> dict[str, Any]:
    """Return for whom and how long each time an agent was approved, as the fields of a form say it."""
    limited = agent.people or {}
    return {
        "people": people.addresses(limited.get("members", ())),
        "groups": [f"{decisions.GROUP}{group}" for group in limited.get("groups", ())],
        "longest": str(agent.longest_seconds or ""),
    }


def filled(post: QueryDict) -> dict[str, Any]:
    """Return the fields of the form that approves as they were typed."""
    return {
        "is_anything": post.get("extent") == decisions.ANYTHING,
        "people": ", ".join(each for each in post.getlist("people") if not each.startswith(decisions.GROUP)),
        "groups": [each for each in post.getlist("people") if each.startswith(decisions.GROUP)],
        **{name: post.get(name, "") for name in ("longest", "until")},
    }


def _talked(typed: Typed | None) -> dict[str, str]:
    """Return what was typed into the forms that deny and ask."""
    return {name: typed.post.get(name, "") if typed else "" for name in ("preset", "reason", "words")}


def _resource(approval: Approval, identifier: str, scopes: Sequence[str], typed: Typed | None) -> dict[str, Any]:
    protected = directory.resource_server(identifier)
    known = protected.scopes if protected else {}
    had = _had(approval, identifier, scopes) if approval.kind == Approval.Kind.SCOPES else frozenset(scopes)
    ticked = set(typed.post.getlist("scope")) if typed else None
    lines = [
        {
            "value": (value := f"{identifier} {name}"),
            "title": known[name].title,
            "is_writing": known[name].is_writing,
            "is_new": name not in had,
            "is_own": name in approval.own.get(identifier, ()),
            "is_ticked": ticked is None or value in ticked,
        }
        for name in scopes
        if name in known
    ]
    own = [line for line in lines if line["is_own"]]
    return {"name": protected.server.name if protected else identifier, "scopes": lines, "own": own}


def _had(approval: Approval, identifier: str, scopes: Sequence[str]) -> frozenset[str]:
    """Return what an agent that asks for more has already: under its ceiling, and by itself where it asks for that."""
    own = frozenset(approval.own.get(identifier, ()))
    under = approval.agent.under_ceiling(identifier, frozenset(scopes))
    if not own:
        return under
    live = Delegation.objects.live(timezone.now()).filter(subject=approval.agent_id, audience=identifier)
    return under & (frozenset(scopes) - own | frozenset().union(*(each.scope_set for each in live)))
