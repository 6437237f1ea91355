"""Approvals: may this agent act here, and is it safe? One card carries all that is needed to decide."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Case, Count, Exists, OuterRef, Prefetch, QuerySet, Subquery, When
from django.db.models.functions import Coalesce
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST

from agents import admission, alike, assigning, remarks
from agents.approval_filters import ApprovalFilter
from agents.errors import AlreadyDecided, BadLimits, TooLateToUndo, Unusable
from agents.models import Approval, Plea, Remark
from console.access import for_deciders, for_keepers, must_prove_again, prove_again
from console.admin import beside, cards, decisions, outcomes
from console.admin.cards import Typed
from console.narrowing import Chip, Narrowing, narrowing
from console.paging import column, page
from delegations.models import Delegation
from delegations.sentence import in_words
from kit.orders import NEWEST, OLDEST, Order
from tenants.rules import may_decide
from tokens.endpoints.request import MemberRequest

DECIDED = 12
SIZE = 12
"""Cards on a page: each is a few forms, and what is decided makes room for the next."""
FIELDS = ("q", "kind")
CHIPS = (
    Chip(gettext_lazy("High risk"), {"high_risk": "true"}),
    Chip(gettext_lazy("Writes"), {"writes": "true"}),
    Chip(gettext_lazy("New agent"), {"kind": Approval.Kind.ADMISSION.value}),
    Chip(gettext_lazy("More scopes"), {"kind": Approval.Kind.SCOPES.value}),
)
ORDERS = (gettext_lazy("What people asked for first"), gettext_lazy("Newest first"), gettext_lazy("Oldest first"))
TOO_LATE = gettext_lazy("It is too late to undo that: something came of it, or ten minutes are over.")
PROVED = gettext_lazy("You proved that it is you. Nothing is decided yet: what you chose stands below.")


@for_keepers
def listing(
    request: MemberRequest,
    *,
    said: str = "",
    status: int = 200,
    typed: Typed | None = None,
    told: Mapping[str, Any] | None = None,
) -> HttpResponse:
    if typed is None and (kept := decisions.take_kept(request)):
        typed, said = Typed(*kept), said or str(PROVED)
    if typed is None and (mine := decisions.typed_before(request)):
        typed = Typed(*mine)
    related = Approval.objects.select_related("agent", "client__software_issuer", "decided_by__user")
    waiting, once = Approval.objects.filter(status=Approval.Status.WAITING), beside.read()
    request.waiting = once.number  # type: ignore[attr-defined]  # The navigation counts the same.
    asked = _asked(request, waiting if once.number else waiting.none())
    orders = (_wanted_first(), NEWEST, OLDEST)
    shown, pager = page(request, asked.rows, orders=orders, dress=dressed, at=asked.at, size=SIZE)
    before = alike.of(shown)
    over = related.exclude(status=Approval.Status.WAITING).order_by("-decided_at")[:DECIDED]
    content = {
        "waiting": cards.with_alike([cards.card(each, request, typed, once, before) for each in shown]),
        "narrowing": asked,
        "query": request.GET.urlencode(),
        "orders": [
            column(request, words, each, orders, at=asked.at) for words, each in zip(ORDERS, orders, strict=True)
        ],
        "pager": pager,
        "number": once.number,
        "oldest": once.oldest,
        "oldest_words": in_words(once.oldest, now=timezone.now(), time_zone=request.tenant.time_zone),
        "decided": [outcomes.row(each, request) for each in over],
        "told": told or _just_now(request, over),
        "may_decide": may_decide(request.member),
        "choices": cards.choices(request.tenant, once),
        "said": said,
        **({} if once.number else outcomes.nothing(once.deciders)),
    }
    return render(request, "console/approvals.html", content, status=status)


def _just_now(request: MemberRequest, over: Iterable[Approval]) -> Mapping[str, Any] | None:
    """Return what this person decided a moment ago, said once: one question, or several at once."""
    one, many = decisions.take_told(request), decisions.take_told_of_many(request)
    if many:
        return outcomes.in_place("", many, is_good=True)
    return next((outcomes.told(each, request) for each in over if each.pk == one), None)


def _asked(request: MemberRequest, waiting: "QuerySet[Approval]") -> Narrowing:
    of_mine = Chip(gettext_lazy("Mine"), {"concerns": request.member.pk})
    chips = (*CHIPS, of_mine, Chip(gettext_lazy("Assigned to me"), {"assigned_to": request.member.pk}))
    fixed = {"status": Approval.Status.WAITING.value}
    at = reverse("console-approvals")
    return narrowing(request, ApprovalFilter, waiting, shown=FIELDS, chips=chips, fixed=fixed, at=at)


def _queue(request: MemberRequest) -> str:
    """Return the address of the queue, narrowed and sorted as it was when somebody decided."""
    query = request.GET.urlencode()
    return f"{reverse('console-approvals')}{query and f'?{query}'}"


def dressed(waiting: "QuerySet[Approval]") -> "QuerySet[Approval]":
    """Return questions with all that a card shows of each."""
    talk = Prefetch("remarks", Remark.objects.select_related("member__user").order_by("pk"))
    pleas = Prefetch("pleas", Plea.objects.select_related("member__user").order_by("pk"))
    live = Delegation.objects.live(timezone.now()).filter(agent=OuterRef("agent")).order_by().values("agent")
    people = live.annotate(number=Count("member", distinct=True)).values("number")
    related = waiting.select_related("agent__owner__user", "client__software_issuer", "assigned_to__user")
    return related.annotate(acting_for=Coalesce(Subquery(people), 0)).prefetch_related(pleas, talk)


def _wanted_first() -> Order:
    """Return the order in which what people asked for stands above whatever arrived by itself."""
    wanted = Exists(Plea.objects.filter(approval=OuterRef("pk")))
    return Order("wanted", Case(When(wanted, then=1), default=0), is_falling=True)


@require_POST
@for_deciders
def approve(request: MemberRequest, approval_id: str) -> HttpResponse:
    approval = get_object_or_404(Approval.objects.select_related("agent"), pk=approval_id)
    if must_prove_again(request):
        decisions.keep(request, approval.pk)
        return prove_again(request, _queue(request))
    try:
        owner, limits = decisions.owner(request.POST), decisions.limits(request.POST, request.tenant)
        admission.approve(approval, by=request.member, owner=owner, version=decisions.version(request.POST), **limits)
    except AlreadyDecided:
        return _too_late(request, approval)
    except BadLimits as refusal:
        return _again(request, approval, refusal.errors)
    except Unusable as refusal:
        return _again(request, approval, {"owner": str(refusal)})
    decisions.tell(request, approval.pk)
    return redirect(_queue(request))


@require_POST
@for_deciders
def deny(request: MemberRequest, approval_id: str) -> HttpResponse:
    approval = get_object_or_404(Approval.objects.select_related("agent"), pk=approval_id)
    try:
        reason, version = decisions.reason(request.POST), decisions.version(request.POST)
        admission.deny(approval, by=request.member, reason=reason, version=version)
    except AlreadyDecided:
        return _too_late(request, approval)
    except Unusable as refusal:
        return _again(request, approval, {"reason": str(refusal)})
    decisions.tell(request, approval.pk)
    return redirect(_queue(request))


@require_POST
@for_deciders
def ask(request: MemberRequest, approval_id: str) -> HttpResponse:
    """Ask whoever wants the agent, without deciding."""
    approval = get_object_or_404(Approval.objects.select_related("agent"), pk=approval_id)
    try:
        remarks.ask(approval, by=request.member, words=decisions.said(request.POST, "words"))
    except AlreadyDecided:
        return _too_late(request, approval)
    except Unusable as refusal:
        return _again(request, approval, {"words": str(refusal)})
    return redirect(_queue(request))


@require_POST
@for_deciders
def assign(request: MemberRequest, approval_id: str) -> HttpResponse:
    """Say who is to decide on it, or that nobody in particular is."""
    approval = get_object_or_404(Approval.objects.select_related("agent"), pk=approval_id)
    try:
        assigning.assign(approval, to=decisions.assignee(request.POST), by=request.member)
    except AlreadyDecided:
        return _too_late(request, approval)
    except Unusable as refusal:
        return _again(request, approval, {"to": str(refusal)})
    return redirect(_queue(request))


@require_POST
@for_deciders
def undo(request: MemberRequest, approval_id: str) -> HttpResponse:
    approval = get_object_or_404(Approval.objects.select_related("agent"), pk=approval_id)
    try:
        admission.undo(approval, by=request.member)
    except TooLateToUndo:
        pause = outcomes.to_pause(approval, request)
        return listing(request, status=409, told=outcomes.in_place(approval_id, str(TOO_LATE), pause=pause))
    return redirect(_queue(request))


def _again(request: MemberRequest, approval: Approval, errors: Mapping[str, str]) -> HttpResponse:
    """Show the page again with what was typed, and what is wrong with it."""
    typed = Typed(approval.pk, request.POST, errors)
    words = gettext("Nothing was decided about %(agent)s.") % {"agent": approval.agent}
    return listing(request, said=" ".join([words, *errors.values()]), status=422, typed=typed)


def _too_late(request: MemberRequest, approval: Approval) -> HttpResponse:
    """Say who was first in the place of the card; one that only moved stands there as it is now."""
    approval = Approval.objects.select_related("agent", "decided_by__user").get(pk=approval.pk)
    if approval.decided_by is not None:
        return listing(request, status=409, told=outcomes.was_first(approval, request))
    words = gettext("Something about %(agent)s changed while you read. Look again.") % {"agent": approval.agent}
    if approval.status != Approval.Status.WAITING:
        return listing(request, status=409, told=outcomes.in_place(approval.pk, words))
    return listing(request, said=words, status=409, typed=Typed(approval.pk, QueryDict(), {"moved": words}))
