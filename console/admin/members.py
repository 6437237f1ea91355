"""Members: who has a place here, with which role; inviting somebody, and what ends where somebody goes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import Value
from django.db.models.functions import Coalesce, Lower
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from agents import people
from agents.models import Agent
from agents.people_filters import MemberFilter
from console.access import for_act
from console.admin.resource_forms import Reason
from console.admin.resources import version_of
from console.attempt import attempt
from console.narrowing import Chip, narrowing
from console.paging import NEWEST, OLDEST, Column, Order, column, page
from delegations import reach
from delegations.sentence import in_words
from tenants import members
from tenants.invitation import Invitation
from tenants.mail import invite_by_mail
from tenants.models import Membership
from tenants.roles import Act, may
from tokens import stops
from tokens.endpoints.request import MemberRequest

if TYPE_CHECKING:
    from agents.people import KnownMember

OPEN_SHOWN = 50
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
BY_NAME = Order("name", Lower(Coalesce("user__name", Value(""))))
SEEN_LAST = Order("signed-in", Coalesce(people.last_sign_in(), Value(_NEVER)), is_falling=True)
ORDERS = (NEWEST, OLDEST, BY_NAME, SEEN_LAST)
FIELDS = ("q", "role", "status")
FURTHER = ("came_by", "unseen_since")
CHIPS = (
    Chip(_("Without a passkey"), {"passkey": "false"}),
    Chip(_("Not signed in for 90 days"), {"unseen_since": "90d"}),
    Chip(_("Admins"), {"role": Membership.Role.ADMIN.value}),
    Chip(_("Own agents"), {"owns_agents": "true"}),
)


class Invite(forms.Form):
    email = forms.EmailField(label="E-mail", max_length=254)
    role = forms.ChoiceField(choices=Membership.Role.choices, initial=Membership.Role.MEMBER, label=_("Role"))


@for_act(Act.MEMBERS_READ)
def listing(request: MemberRequest) -> HttpResponse:
    return _show(request)


@require_POST
@for_act(Act.MEMBERS_WRITE)
def invite(request: MemberRequest) -> HttpResponse:
    form = Invite(request.POST)
    if not form.is_valid():
        return _show(request, form=form, status=422)
    email, role = form.cleaned_data["email"], form.cleaned_data["role"]
    refused = attempt(lambda: members.invite(email, role, by=request.member, tell=invite_by_mail))
    if refused:
        form.add_error("email", refused)
        return _show(request, form=form, status=422)
    return redirect("console-members")


@require_POST
@for_act(Act.MEMBERS_WRITE)
def withdraw(request: MemberRequest, invitation_id: str) -> HttpResponse:
    attempt(lambda: members.withdraw(get_object_or_404(Invitation, pk=invitation_id), by=request.member))
    return redirect("console-members")


@require_POST
@for_act(Act.MEMBERS_WRITE)
def give_role(request: MemberRequest, member_id: str) -> HttpResponse:
    member, role, version = member_of(member_id), request.POST.get("role", ""), version_of(request)
    refused = attempt(lambda: members.give_role(member, role, by=request.member, version=version))
    return _show(request, said=refused, status=409) if refused else redirect("console-members")


@for_act(Act.MEMBERS_WRITE)
def remove(request: MemberRequest, member_id: str) -> HttpResponse:
    member, form = member_of(member_id), Reason(request.POST or None)
    said = ""
    if request.method == "POST":
        reason = form.cleaned_data["reason"] if form.is_valid() else ""
        said = attempt(lambda: stops.remove_member(member, by=request.member, reason=reason))
        if not said:
            return redirect("console-members")
    content = {
        "person": member,
        "ends": reach.of_member(member, now=timezone.now()),
        "owned": Agent.objects.filter(owner=member).exclude(status=Agent.Status.RETIRED).count(),
        "form": form,
        "said": said,
    }
    return render(request, "console/remove_member.html", content, status=409 if said else 200)


def member_of(member_id: str) -> Membership:
    return get_object_or_404(Membership.objects.select_related("user"), pk=member_id)


def _show(request: MemberRequest, *, form: Invite | None = None, said: str = "", status: int = 200) -> HttpResponse:
    asked = narrowing(request, MemberFilter, Membership.objects.all(), shown=FIELDS, further=FURTHER, chips=CHIPS)
    found, pager = page(request, asked.rows, orders=ORDERS, dress=people.with_facts)
    waiting = Invitation.objects.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=timezone.now())
    waiting = waiting.select_related("invited_by__user").order_by("-pk")
    may_change = may(request.member, Act.MEMBERS_WRITE)
    content = {
        "rows": [{**_row(each, request), "may_change": may_change} for each in found],
        "columns": _columns(request, may_change=may_change),
        "invitations": [(each, Membership.Role(each.role).label) for each in waiting[:OPEN_SHOWN]],
        "invite_form": form or Invite(),
        "narrowing": asked,
        "pager": pager,
        "may_change": may_change,
        "said": said,
    }
    return render(request, "console/members.html", content, status=status)


def _columns(request: MemberRequest, *, may_change: bool) -> Sequence[Column]:
    return (
        column(request, _("Person"), BY_NAME, ORDERS),
        Column(_("Role")),
        column(request, _("Last sign-in"), SEEN_LAST, ORDERS),
        Column(_("Second factor")),
        Column(_("Agents")),
        column(request, _("How they came"), NEWEST, ORDERS),
        *((Column(""),) if may_change else ()),
    )


def _row(member: "KnownMember", request: MemberRequest) -> dict[str, Any]:
    last, now = member.last_signed_in_at, timezone.now()
    return {
        "id": member.pk,
        "name": str(member),
        "email": member.email,
        "is_active": member.status == Membership.Status.ACTIVE,
        "status": member.status,
        "status_label": member.get_status_display(),
        "role": member.role,
        "role_label": member.get_role_display(),
        "roles": Membership.Role.choices,
        "version": member.version,
        "last_at": last,
        "last": in_words(last, now=now, time_zone=request.tenant.time_zone) if last else "",
        "has_factor": member.factor != people.Factor.NONE,
        "factor": people.Factor(member.factor).label,
        "agents": member.agents_owned,
        "waiting": member.approvals_open,
        "came_by": people.CameBy(member.came_by).label,
        "created_at": member.created_at,
    }
