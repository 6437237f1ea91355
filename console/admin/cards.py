"""A question as its card shows it: what is known of the agent, and what the approver typed so far."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext

from agents import admission, remarks, risk, together
from agents.alike import Alike
from agents.models import Agent, Approval, Client
from console.admin import decisions
from delegations.models import Delegation
from delegations.sentence import in_words
from kit import uris
from tenants import directory
from tenants.models import Membership, Tenant
from tenants.roles import Act, who_may
from tenants.rules import may_decide
from tokens.endpoints.request import MemberRequest

NAMED = 5
"""How many of those who decide are named where nothing waits."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What an approver typed into one card that is shown again, and what is wrong with it."""

    approval_id: str
    post: QueryDict
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Beside:
    """What is read once for all cards: where the logos are, what was decided on others like them, and who acts here."""

    places: Mapping[str, str]
    before: Mapping[str, Alike]
    names: risk.Names


def card(approval: Approval, request: MemberRequest, typed: Typed | None, beside: Beside) -> dict[str, Any]:
    """Return one open question."""
    client, agent = approval.client, approval.agent
    pleas = list(approval.pleas.all())
    mine = typed if typed is not None and typed.approval_id == approval.pk else None
    # Whoever was told that a denial lacks its reason typed nothing into the form that approves.
    approving = mine if mine is not None and "owner" in mine.post else None
    risks = risk.of(approval, now=timezone.now(), known=beside.names)
    usual_owner = agent.owner_id or (pleas[0].member_id if pleas else request.member.pk)
    return {
        "id": approval.pk,
        "version": approval.version,
        "kind": approval.get_kind_display(),
        "is_change": approval.kind == Approval.Kind.CHANGE,
        "is_more": approval.kind == Approval.Kind.SCOPES,
        "agent_name": agent.name,
        "agent_initials": agent.initials,
        **(_known(client, beside.places) if client else {}),
        "resources": [_resource(approval, name, scopes, approving) for name, scopes in sorted(approval.asked.items())],
        "changes": [{"what": what, "before": before, "after": after} for what, before, after in approval.changes],
        "pleas": [{"who": str(each.member), "reason": each.reason} for each in pleas[:5]],
        "people": len(pleas),
        "remarks": remarks.lines(approval.remarks.all()),
        "risks": [each.words for each in risks],
        "alike": beside.before.get(approval.pk),
        "same": "" if together.worry(approval, risks) else together.key(approval),
        "since": approval.created_at,
        "assigned_to": approval.assigned_to_id or "",
        "assignee": str(approval.assigned_to) if approval.assigned_to else "",
        "owner": decisions.said(approving.post, "owner") if approving else usual_owner,
        "fill": {**(_filled(approving.post) if approving else _proposed(approval)), **_talked(mine)},
        "errors": mine.errors if mine else {},
    }


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


def with_alike(shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return cards, each with the ids of those that can be decided together with it: of low risk, and the same."""
    by_key: dict[str, list[str]] = defaultdict(list)
    for each in shown:
        by_key[each["same"]].append(each["id"])
    return [{**each, "together": by_key[each["same"]] if each["same"] else []} for each in shown]


def decided(approval: Approval, request: MemberRequest) -> dict[str, Any]:
    """Return one decision."""
    now = timezone.now()
    is_mine = approval.decided_by_id == request.member.pk
    is_fresh = approval.decided_at is not None and now - approval.decided_at <= admission.UNDO
    return {
        "id": approval.pk,
        "agent_name": approval.agent.name,
        "status": approval.status,
        "label": approval.get_status_display(),
        "by": str(approval.decided_by) if approval.decided_by else "",
        "at": approval.decided_at,
        "reason": admission.reason_words(approval.reason),
        "until": approval.until,
        "is_for_some": approval.people is not None,
        "may_undo": is_mine and is_fresh and approval.status != Approval.Status.LAPSED,
    }


def told(approval: Approval, request: MemberRequest) -> dict[str, Any]:
    """Return what stands in the place of a card once this person decided."""
    is_approved = approval.status == Approval.Status.APPROVED
    words = (
        gettext("%(agent)s: approved by you just now.")
        if is_approved
        else gettext("%(agent)s: denied by you just now.")
    )
    may_undo = decided(approval, request)["may_undo"]
    return in_place(approval.pk, words % {"agent": approval.agent}, may_undo=may_undo, is_good=True)


def was_first(approval: Approval, request: MemberRequest) -> dict[str, Any]:
    """Return what stands in the place of a card that was decided before, by whom and when."""
    row, now = decided(approval, request), timezone.now()
    seconds = int((now - (approval.decided_at or now)).total_seconds())
    when = in_words(approval.decided_at, now=now, time_zone=request.tenant.time_zone)
    if seconds < 60:
        when = gettext("%(n)s s ago") % {"n": max(seconds, 1)}
    facts = {"person": row["by"], "agent": approval.agent, "outcome": row["label"].lower(), "when": when}
    return in_place(approval.pk, gettext("%(person)s was first: %(agent)s was %(outcome)s %(when)s.") % facts)


def in_place(approval_id: str, words: str, *, may_undo: bool = False, is_good: bool = False) -> dict[str, Any]:
    """Return words that stand in the place of a card."""
    return {"id": approval_id, "words": words, "may_undo": may_undo, "is_good": is_good}


def nothing() -> dict[str, Any]:
    """Return what is said where nothing waits: how much was decided in a week, and who decides."""
    lately = Approval.objects.filter(decided_by__isnull=False, decided_at__gte=timezone.now() - timedelta(days=7))
    deciders = active().filter(who_may(Act.APPROVALS_DECIDE, now=timezone.now()))
    names = [str(each) for each in deciders[:NAMED]]
    more = deciders.count() - NAMED if len(names) == NAMED else 0
    return {"lately": lately.count(), "deciders": names, "deciders_more": more}


def choices(tenant: Tenant) -> dict[str, Any]:
    """Return what every card offers: owners, people and groups, lifetimes, reasons."""
    people = list(active()[:200])
    groups = sorted({group for member in people for group in member.groups})
    most = timedelta(days=tenant.longest_delegation_days).total_seconds()
    return {
        "owners": [(each.pk, str(each)) for each in people],
        "deciders": [(each.pk, str(each)) for each in people if may_decide(each)],
        "groups": [(f"{decisions.GROUP}{group}", group) for group in groups],
        "lifetimes": [(value, label) for value, label in decisions.LONGEST.items() if int(value) <= most],
        "presets": [(value, gettext(words)) for value, words in admission.PRESETS.items()],
    }


def _proposed(approval: Approval) -> dict[str, Any]:
    """Return what a card proposes: of an agent whose approval ended, what it had."""
    return {"is_anything": not approval.asked, **usual(approval.agent)}


def usual(agent: Agent) -> dict[str, Any]:
    """Return for whom and how long each time an agent was approved, as the fields of a form say it."""
    people = agent.people or {}
    return {
        "people": [*people.get("members", ()), *(f"{decisions.GROUP}{group}" for group in people.get("groups", ()))],
        "longest": str(agent.longest_seconds or ""),
    }


def _filled(post: QueryDict) -> dict[str, Any]:
    """Return the fields of the form that approves as they were typed."""
    return {
        "is_anything": post.get("extent") == decisions.ANYTHING,
        "people": post.getlist("people"),
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
    return {"name": protected.server.name if protected else identifier, "scopes": lines}


def _had(approval: Approval, identifier: str, scopes: Sequence[str]) -> frozenset[str]:
    """Return what an agent that asks for more has already: under its ceiling, and by itself where it asks for that."""
    own = frozenset(approval.own.get(identifier, ()))
    under = approval.agent.under_ceiling(identifier, frozenset(scopes))
    if not own:
        return under
    live = Delegation.objects.live(timezone.now()).filter(subject=approval.agent_id, audience=identifier)
    return under & (frozenset(scopes) - own | frozenset().union(*(each.scope_set for each in live)))


def active() -> "QuerySet[Membership]":
    """Return the people who have a place here, by their names."""
    active = Membership.objects.filter(status=Membership.Status.ACTIVE, user__is_active=True)
    return active.select_related("user").order_by("user__name")
