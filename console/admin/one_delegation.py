"""One delegation: the sentence, where it comes from, what came of it, what an end would do, and the end."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from agents import ranking
from console import chains, consents, kept, smaller, token_tree
from console.access import for_admins, for_owners, principal
from console.admin import bounds, end_one
from console.attempt import UNTRUSTED
from console.receipt_words import receipt_words
from console.record import download
from console.rows import delegation_row
from delegations import actions as delegation_actions
from delegations import renewing
from delegations.errors import AskedToday, DelegationOver, IssuerRemoved, NotRenewable, TooLateToUndo
from delegations.models import Delegation
from delegations.rules import may_renew, may_undo
from delegations.sentence import in_words
from kit import one_statement
from tenants import directory
from tokens import actions, impact, lineage, receipts, records
from tokens.checking import history
from tokens.endpoints.request import MemberRequest
from tokens.receipts import Remainder

MOST_PARTS = 40
"""Parts below one whose agents' refusals are looked for."""

if TYPE_CHECKING:  # The stubs are not installed where the product runs.
    from tokens.impact import UsedDelegation


@for_owners
def view(
    request: MemberRequest,
    delegation_id: str,
    *,
    said: str = "",
    status: int = 200,
    typed: QueryDict | None = None,
) -> HttpResponse:
    now, zone = timezone.now(), request.tenant.time_zone
    delegation = _found(request, delegation_id)
    way = lineage.of_delegation(delegation, now=now)
    beside = one_statement.ask([*_refusals(way, now=now), *receipts.parts_left(delegation, now=now)])
    tokens = lineage.tokens_of(delegation, below=True, now=now)
    states = {hop["state"] for hop in way["hops"]}
    is_live, is_over = states == {"live"}, bool(states & {"ended", "expired"})
    receipt = None if is_live else records.receipt_of(delegation)
    may_end = request.member.is_admin and not is_over
    content = {
        "row": delegation_row(delegation, now=now, tenant=request.tenant),
        "is_live": is_live,
        "is_over": is_over,
        "hops": [{**hop, "state_words": chains.STATES[hop["state"]]} for hop in way["hops"]],
        "drawing": chains.drawing(delegation, way, refused=history.refused_places(beside), now=now),
        "consent": consents.of(delegation, time_zone=zone),
        "tokens": token_tree.of(tokens["tokens"], now=now, time_zone=zone),
        "has_more_tokens": not tokens["is_all"],
        "bounds": bounds.of(delegation, request.tenant),
        "ending": _ending(receipts.told_left(beside), way["parts"]) if is_live else None,
        "receipt": receipt_words(receipt, now=now, time_zone=zone) if receipt else None,
        **_renewal(delegation, request, is_live=is_live, may_end=may_end, now=now),
        "asked": _asked(delegation, now=now, time_zone=zone),
        "may_end": may_end,
        "end_form": end_one.form(request, delegation_id),
        "smaller": _smaller(request, delegation, typed, now=now) if may_end else None,
        "narrowed": _narrowed(delegation, now=now, time_zone=zone),
        "put_back": may_end and smaller.undo_of(delegation, by=request.member.pk, now=now, tenant=request.tenant),
        "may_undo": may_undo(delegation, by=request.member.pk, now=now),
        "said": said,
    }
    return render(request, "console/delegation.html", content, status=status)


def _found(request: MemberRequest, delegation_id: str) -> "UsedDelegation":
    """Return a delegation that the member may see, with all that its page says, its scopes from the directory."""
    named = Delegation.objects.visible_to(request.member).with_names().prefetch_related(None)
    delegation = get_object_or_404(impact.with_use(named).select_related("consent"), pk=delegation_id)
    protected = directory.resource_server(delegation.audience)
    if protected is not None and protected.server.pk == delegation.resource_server_id:
        delegation.offered = tuple(protected.scopes.values())
    return delegation


def _renewal(
    delegation: Delegation, request: MemberRequest, *, is_live: bool, may_end: bool, now: datetime
) -> Mapping[str, bool]:
    """Say whether whoever reads may renew it, or ask its person to."""
    is_own = delegation.member_id == request.member.pk
    return {
        "may_renew": is_live and is_own and may_renew(delegation, now=now),
        "may_ask": may_end and not is_own and renewing.may_ask(delegation, now=now),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@for_admins
def end(request: MemberRequest, delegation_id: str) -> HttpResponse:
    """Ask, where no dialog did, and end it."""
    if request.method != "POST":
        return end_one.page(request, delegation_id, _ending)
    delegation = get_object_or_404(Delegation.objects.visible_to(request.member), pk=delegation_id)
    reason = request.POST.get("reason", "").replace("\x00", "").strip()
    if not reason:
        return view(request, delegation_id, said=_("Say why: whoever looks at this later reads it."), status=400)
    with suppress(DelegationOver):  # Somebody was faster: the page says who.
        actions.end_delegation(delegation, by=principal(request), reason=reason)
    return redirect("console-delegation", delegation.pk)


@require_POST
@for_admins
def narrow(request: MemberRequest, delegation_id: str) -> HttpResponse:
    visible = Delegation.objects.visible_to(request.member).with_names()
    delegation = get_object_or_404(visible, pk=delegation_id)
    reason = request.POST.get("reason", "").replace("\x00", "").strip()
    if not reason:
        said = _("Say why: whoever looks at this later reads it.")
        return view(request, delegation_id, said=said, status=400, typed=request.POST)
    who = principal(request)
    done = smaller.make(delegation, request.POST, by=who, reason=reason, now=timezone.now(), tenant=request.tenant)
    if isinstance(done, str):
        return view(request, delegation_id, said=done, status=409, typed=request.POST)
    return redirect("console-delegation", delegation.pk)


@require_POST
@for_admins
def undo(request: MemberRequest, delegation_id: str) -> HttpResponse:
    delegation = get_object_or_404(Delegation.objects.visible_to(request.member), pk=delegation_id)
    try:
        restored = delegation_actions.undo(delegation, by=principal(request))
    except TooLateToUndo:
        return view(request, delegation_id, said=_("It is too late to undo that."), status=409)
    except IssuerRemoved:
        return view(request, delegation_id, said=str(UNTRUSTED), status=409)
    return redirect("console-delegation", restored.pk)


@require_POST
@for_admins
def ask(request: MemberRequest, delegation_id: str) -> HttpResponse:
    """Ask its person to renew it."""
    delegation = get_object_or_404(Delegation.objects.visible_to(request.member), pk=delegation_id)
    try:
        renewing.ask(delegation, by=principal(request))
    except NotRenewable:
        said = _("Only what a person allowed, and what has an end and is not over, can be renewed.")
        return view(request, delegation_id, said=said, status=409)
    except AskedToday:
        said = _("They were asked within a day. Give them time to read it.")
        return view(request, delegation_id, said=said, status=409)
    return redirect("console-delegation", delegation.pk)


@require_POST
@for_admins
def put_back(request: MemberRequest, delegation_id: str) -> HttpResponse:
    delegation = get_object_or_404(Delegation.objects.visible_to(request.member), pk=delegation_id)
    if said := smaller.put_back(delegation, request.POST, by=principal(request)):
        return view(request, delegation_id, said=said, status=409)
    return redirect("console-delegation", delegation.pk)


@for_owners
def record(request: MemberRequest, delegation_id: str) -> HttpResponse:
    return download(Delegation.objects.visible_to(request.member), delegation_id, tenant=request.tenant)


def _smaller(
    request: MemberRequest, delegation: Delegation, typed: QueryDict | None, *, now: datetime
) -> Mapping[str, Any] | None:
    """Return the form that allows less, with what was typed, be it before this person had to sign in."""
    before = kept.take(request, "narrow-delegation", delegation_id=delegation.pk) if typed is None else None
    return smaller.form_of(delegation, now=now, tenant=request.tenant, typed=before[1] if before else typed)


def _refusals(way: Mapping[str, Any], *, now: datetime) -> Sequence["QuerySet[Any, Any]"]:
    """Return the question what the agents of a lineage were refused of late, and where."""
    agents = {hop["agent"] for hop in [*way["hops"], *way["parts"][:MOST_PARTS]] if "agent" in hop}
    return history.parts_at(sorted(agents), since=now - ranking.LATELY) if agents else ()


def _narrowed(delegation: Delegation, *, now: datetime, time_zone: str) -> Mapping[str, Any] | None:
    """Return who made it smaller last, and what that did."""
    entry = records.narrowed_of(delegation)
    if entry is None:
        return None
    did = smaller.words(entry.detail["receipt"], delegation, now=now, time_zone=time_zone)
    who = entry.principal_label or entry.principal_id
    return {**did, "by": who, "at": entry.at, "when": in_words(entry.at, now=now, time_zone=time_zone)}


def _asked(delegation: Delegation, *, now: datetime, time_zone: str) -> Mapping[str, Any] | None:
    """Return when its person was asked to renew it, while that is of interest."""
    at = delegation.renewal_asked_at
    if at is None or delegation.is_over(now):
        return None
    return {"at": at, "when": in_words(at, now=now, time_zone=time_zone)}


def _ending(left: Sequence[Remainder], parts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return what an end would do now, in numbers."""
    return {
        "below": sum(part["state"] == "live" for part in parts),
        "places": [
            {
                "name": _name(each.resource),
                "is_at_once": each.checks == receipts.INTROSPECTION,
                "until": each.until,
                "tokens": each.tokens,
            }
            for each in left
        ],
    }


def _name(audience: str) -> str:
    protected = directory.resource_server(audience)
    return protected.server.name if protected else audience
