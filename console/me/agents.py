"""Agents acting for you: who acts in my name, with what, until when, and the button that ends it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST

from console import counted, kept, smaller
from console.access import for_members, principal
from console.kill_times import kill_times
from console.me.places import just_ended
from console.me.worst import worst
from console.places import places_of
from console.receipt_words import receipt_words
from console.record import download
from console.rows import delegation_row, ended_row
from delegations import actions as delegation_actions
from delegations import undoing
from delegations.errors import DelegationOver, IssuerRemoved, TooLateToUndo
from delegations.models import Delegation
from delegations.sentence import place
from tenants.models import Tenant
from tokens import actions, impact
from tokens.endpoints.request import MemberRequest
from tokens.receipts import Receipt

FRESH_SHOWN = 25
_LAST_ENDED = "last_ended"
_DONE = "last_narrowed"


@for_members
def listing(request: MemberRequest) -> HttpResponse:
    found = kept.take(request, "narrow-access")
    return _show(request, about=found[0]["delegation_id"], typed=found[1]) if found else _show(request)


def _show(
    request: MemberRequest,
    *,
    said: str = "",
    status: int = 200,
    about: str = "",
    typed: QueryDict | None = None,
    to_end: counted.Counted | None = None,
) -> HttpResponse:
    """Show all of them; `typed` is what somebody said before about one of them."""
    now, tenant = timezone.now(), request.tenant
    held = Delegation.objects.of(request.member).live(now).with_names().select_related("consent")
    live = list(impact.with_use(held).order_by("-pk"))
    places, handed_on = places_of(live, now=now, tenant=request.tenant), _handed_on(live)
    rows = [
        {
            **delegation_row(delegation, now=now, tenant=tenant),
            "places": places[delegation.pk],
            "handed_on_to": handed_on[delegation.pk],
            "smaller": smaller.form_of(
                delegation, now=now, tenant=tenant, typed=typed if delegation.pk == about else None
            ),
            "put_back": smaller.undo_of(delegation, by=request.member.pk, now=now, tenant=tenant),
        }
        for delegation in live
    ]
    context = {
        "delegations": rows,
        "summary": _summary(rows, request.tenant),
        "notice": worst(zip(live, rows, strict=True)),
    }
    reaches = sum(delegation.parent_id is None for delegation in live)
    ending = {
        "reaches": reaches,
        "to_end": to_end or _to_end(reaches),
        "times": kill_times(each.audience for each in live),
    }
    over = {"ended_place": just_ended(request), **_undoable(request)}
    done = {"said": said, "done": request.session.pop(_DONE, None)}
    return render(request, "me/agents.html", {**context, **ending, **over, **done}, status=status)


@for_members
def past(request: MemberRequest) -> HttpResponse:
    now = timezone.now()
    # What was handed on ends with what it was handed from, and is not told of apart.
    by_itself = Q(ended_at__isnull=False) | Q(expires_at__lte=now)
    over = Delegation.objects.of(request.member).filter(by_itself)
    fresh = set(undoing.undoable(request.member, now=now).values_list("pk", flat=True))
    rows = [
        {
            **ended_row(delegation, now=now, tenant=request.tenant, member=request.member),
            "may_undo": delegation.pk in fresh,
        }
        for delegation in impact.with_use(over.with_names()).order_by("-ended_at", "-pk")[:100]
    ]
    return render(request, "me/past.html", {"delegations": rows, "is_fresh": bool(fresh)})


@for_members
def record(request: MemberRequest, delegation_id: str) -> HttpResponse:
    return download(Delegation.objects.of(request.member), delegation_id, tenant=request.tenant)


@require_POST
@for_members
def end(request: MemberRequest, delegation_id: str) -> HttpResponse:
    delegation = _mine(request, delegation_id)
    try:
        receipt = actions.end_delegation(delegation, by=principal(request), reason=actions.BY_THE_PERSON)
    except DelegationOver:
        return redirect("my-agents")
    _remember(request, delegation, receipt)
    return redirect("my-agents")


@require_POST
@for_members
def narrow(request: MemberRequest, delegation_id: str) -> HttpResponse:
    mine = Delegation.objects.of(request.member).with_names()
    delegation = get_object_or_404(mine, pk=delegation_id)
    now, who = timezone.now(), principal(request)
    done = smaller.make(delegation, request.POST, by=who, reason="", now=now, tenant=request.tenant)
    if isinstance(done, str):
        return _show(request, said=done, status=409, about=delegation.pk, typed=request.POST)
    did = smaller.words(done.as_json(), delegation, now=now, time_zone=request.tenant.time_zone)
    agent = delegation.agent.name if delegation.agent else delegation.client.name
    request.session[_DONE] = f"{agent}: {did['text']}"
    return redirect("my-agents")


@require_POST
@for_members
def put_back(request: MemberRequest, delegation_id: str) -> HttpResponse:
    if said := smaller.put_back(_mine(request, delegation_id), request.POST, by=principal(request)):
        return _show(request, said=said, status=409)
    return redirect("my-agents")


@require_POST
@for_members
def end_all(request: MemberRequest) -> HttpResponse:
    """End them all at once; up to a few without more ado, so that one that is new does not keep anybody from it."""
    reaches = Delegation.objects.of(request.member).live(timezone.now()).filter(parent=None).count()
    form = _to_end(reaches, request.POST)
    if form is not None and not form.is_valid():
        return _show(request, status=422, to_end=form)
    actions.end_all(request.member, by=principal(request), reason=undoing.ALL_AT_ONCE)
    return redirect("my-agents")


@require_POST
@for_members
def undo_all(request: MemberRequest) -> HttpResponse:
    """Take back that they ended all of it, as far as each may be."""
    restored, missed = undoing.undo_all(request.member, by=principal(request))
    if not restored:
        return render(request, "me/too_late.html", status=409)
    given = ngettext("%(number)s access is back.", "%(number)s accesses are back.", restored) % {"number": restored}
    left = ngettext("%(number)s is not: it is too late.", "%(number)s are not: it is too late.", missed)
    request.session[_DONE] = f"{given} {left % {'number': missed}}" if missed else given
    return redirect("my-agents")


@require_POST
@for_members
def undo(request: MemberRequest, delegation_id: str) -> HttpResponse:
    try:
        delegation_actions.undo(_mine(request, delegation_id), by=principal(request))
    except TooLateToUndo:
        return render(request, "me/too_late.html", status=409)
    except IssuerRemoved:
        return render(request, "me/too_late.html", {"is_distrusted": True}, status=409)
    request.session.pop(_LAST_ENDED, None)
    return redirect("my-agents")


def _to_end(reaches: int, typed: QueryDict | None = None) -> counted.Counted | None:
    """Return the form that asks for the number of what ends, where it is more than a few."""
    return counted.Counted(typed, reaches=reaches) if reaches > counted.SMALL else None


def _mine(request: MemberRequest, delegation_id: str) -> Delegation:
    found = Delegation.objects.of(request.member).filter(pk=delegation_id).first()
    if found is None:
        raise Http404
    return found


def _remember(request: MemberRequest, delegation: Delegation, receipt: Receipt) -> None:
    request.session[_LAST_ENDED] = {"id": delegation.pk, "receipt": receipt.as_json()}


def _undoable(request: MemberRequest) -> dict[str, Any]:
    """Return what this person ended and may take back: the last of it with its receipt, the others, and all at once."""
    now, last = timezone.now(), request.session.get(_LAST_ENDED)
    fresh = list(undoing.undoable(request.member, now=now).with_names()[:FRESH_SHOWN])
    at_once = sum(each.ended_reason == undoing.ALL_AT_ONCE for each in fresh)
    told, zone = None, request.tenant.time_zone
    for each in fresh:
        if last is not None and each.pk == last["id"]:
            told = {**_named(each), **receipt_words(last["receipt"], now=now, time_zone=zone)}
    others = [{**_named(each), "at": each.ended_at} for each in fresh if told is None or each.pk != told["id"]]
    return {"ended": told, "fresh": others, "at_once": at_once, "is_fresh": bool(fresh)}


def _named(delegation: Delegation) -> dict[str, Any]:
    agent = delegation.agent.name if delegation.agent else delegation.client.name
    return {"id": delegation.pk, "agent_name": agent, "resource_name": place(delegation) or gettext("sign-in")}


def _handed_on(live: Sequence[Delegation]) -> Mapping[str, int]:
    """Return to how many agents each of a person's delegations was handed on, at the first hop and after it."""
    by_id = {each.pk: each for each in live}
    agents: dict[str, set[str | None]] = {each.pk: set() for each in live}
    for part in live:
        above = by_id.get(part.parent_id or "")
        while above is not None:
            agents[above.pk].add(part.agent_id)
            above = by_id.get(above.parent_id or "")
    return {pk: len(found) for pk, found in agents.items()}


def _summary(rows: list[dict[str, Any]], tenant: Tenant) -> str:
    agents = {row["agent_name"] for row in rows}
    unused = sum(row["last_used_at"] is None for row in rows)
    text = ngettext(
        "%(number)s agent can act in your name at %(tenant)s.",
        "%(number)s agents can act in your name at %(tenant)s.",
        len(agents),
    ) % {"number": len(agents), "tenant": tenant.name}
    never = gettext("One of these was never used.")
    return f"{text} {never}" if unused == 1 else text
