"""Members: who has a place here, with which role; inviting somebody, and what ends where somebody goes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Value
from django.db.models.functions import Coalesce, Lower
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from agents import owners, people
from agents.people_filters import MemberFilter
from console import columns, kept
from console.access import for_act, for_present_members
from console.admin.resources import version_of
from console.attempt import attempt
from console.counted import Counted
from console.kill_times import kill_times
from console.narrowing import Chip, narrowing
from console.paging import Column, column, page
from console.person_field import PersonField
from delegations import reach
from delegations.models import Delegation
from delegations.sentence import in_words
from kit import moments
from kit.orders import NEWEST, OLDEST, Order
from tenants import members
from tenants.invitation import Invitation
from tenants.mail import invite_by_mail
from tenants.models import Membership, Tenant
from tenants.roles import Act, may
from tokens import stops
from tokens.endpoints.request import MemberRequest

if TYPE_CHECKING:
    from agents.people import KnownMember

OPEN_SHOWN = 50
AGENTS_SHOWN = 20
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
BY_NAME = Order("name", Lower(Coalesce("user__name", Value(""))))
SEEN_LAST = Order("signed-in", Coalesce(people.last_sign_in(), Value(_NEVER)), is_falling=True)
ORDERS = (NEWEST, OLDEST, BY_NAME, SEEN_LAST)
FIELDS = ("q", "role", "status")
FURTHER = ("came_by", "unseen_since")
SOON = timedelta(days=7)
CHIPS = (
    Chip(_("Without a passkey"), {"passkey": "false"}),
    Chip(_("Not signed in for 90 days"), {"unseen_since": "90d"}),
    Chip(_("Admins"), {"role": Membership.Role.ADMIN.value}),
    Chip(_("Role ends within 7 days"), {"role_ends_before": "7d"}),
    Chip(_("Own agents"), {"owns_agents": "true"}),
)


class Invite(forms.Form):
    email = forms.EmailField(label="E-mail", max_length=254)
    role = forms.ChoiceField(choices=Membership.Role.choices, initial=Membership.Role.MEMBER, label=_("Role"))


class Removal(Counted):
    """Why somebody goes, who takes over what they own, and how much ends where that is more than a few."""

    reason = forms.CharField(max_length=500, required=False, label=_("Why"))
    agents_to = PersonField(
        required=False, label=_("Who takes over their agents"), help_text=_("The e-mail of a member.")
    )

    def __init__(self, *args: Any, reaches: int, owns: int, **kwargs: Any) -> None:
        super().__init__(*args, reaches=reaches, **kwargs)
        self.fields["number"].label = _("How many accesses end")
        if not owns:
            del self.fields["agents_to"]


@for_act(Act.MEMBERS_READ)
def listing(request: MemberRequest) -> HttpResponse:
    typed = kept.initial(request, "invite-member")
    return _show(request, form=Invite(initial=typed) if typed else None)


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
    try:
        until = _until(request, member)
    except ValueError:
        return _show(request, said=gettext("Write the day as 2027-12-31."), status=422)
    refused = attempt(lambda: members.give_role(member, role, by=request.member, until=until, version=version))
    return _show(request, said=refused, status=409) if refused else redirect("console-members")


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.MEMBERS_WRITE)
@for_present_members
def remove(request: MemberRequest, member_id: str) -> HttpResponse:
    member, now = member_of(member_id), timezone.now()
    ends = reach.of_member(member, now=now)
    owned = owners.owned(member)
    owns, is_sent, said = owned.count(), request.method == "POST", ""
    typed = kept.initial(request, "remove-member", member_id=member_id)
    form = Removal(request.POST if is_sent else None, initial=typed, reaches=ends.delegations, owns=owns)
    if is_sent and form.is_valid():
        reason, following = form.cleaned_data["reason"], form.cleaned_data.get("agents_to")
        said = attempt(lambda: stops.remove_member(member, by=request.member, reason=reason, agents_to=following))
        if not said:
            return redirect("console-members")
    content = {
        "person": member,
        "ends": ends,
        "times": kill_times(Delegation.objects.of(member).live(now).values_list("audience", flat=True).distinct()),
        "owned": owns,
        "agents": owned.select_related("successor__user")[:AGENTS_SHOWN],
        "grace": request.tenant.owner_grace_days,
        "form": form,
        "said": said,
    }
    status = 409 if said or form.has_moved else 422 if is_sent else 200
    return render(request, "console/remove_member.html", content, status=status)


def member_of(member_id: str) -> Membership:
    return get_object_or_404(Membership.objects.select_related("user"), pk=member_id)


def _until(request: MemberRequest, member: Membership) -> datetime | None:
    """Return when a role is to end by the day that was typed; the day that was shown stands for its very moment."""
    typed = request.POST.get("until", "").strip()
    if typed and typed == _last_day(member, request.tenant):
        return member.role_until
    return moments.end_of_day(typed, ZoneInfo(request.tenant.time_zone)) if typed else None


def _last_day(member: Membership, tenant: Tenant) -> str:
    """Return the last day on which a role counts, as a field for days takes it, or "" where it has no end."""
    if member.role_until is None or member.role_now != member.role:
        return ""
    return f"{(member.role_until - timedelta.resolution).astimezone(ZoneInfo(tenant.time_zone)):%Y-%m-%d}"


def _show(request: MemberRequest, *, form: Invite | None = None, said: str = "", status: int = 200) -> HttpResponse:
    rows, at = Membership.objects.all(), reverse("console-members")
    asked = narrowing(request, MemberFilter, rows, shown=FIELDS, further=FURTHER, chips=CHIPS, at=at, has_columns=True)
    found, pager = page(request, asked.rows, orders=ORDERS, dress=people.with_facts, at=at)
    waiting = Invitation.objects.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=timezone.now())
    waiting = waiting.select_related("invited_by__user").order_by("-pk")
    may_change = may(request.member, Act.MEMBERS_WRITE)
    content = {
        "rows": [{**_row(each, request), "may_change": may_change} for each in found],
        "table": columns.choose(request, _columns(request, at, may_change=may_change), at=at),
        "invitations": [(each, Membership.Role(each.role).label) for each in waiting[:OPEN_SHOWN]],
        "invite_form": form or Invite(),
        "narrowing": asked,
        "pager": pager,
        "may_change": may_change,
        "said": said,
    }
    return render(request, "console/members.html", content, status=status)


def _columns(request: MemberRequest, at: str, *, may_change: bool) -> Sequence[Column]:
    return (
        column(request, _("Person"), BY_NAME, ORDERS, at=at),
        Column(_("Role"), word="role"),
        column(request, _("Last sign-in"), SEEN_LAST, ORDERS, at=at, word="signed-in"),
        Column(_("Second factor"), word="factor"),
        Column(_("Agents"), word="agents"),
        column(request, _("How they came"), NEWEST, ORDERS, at=at, word="came"),
        *((Column(""),) if may_change else ()),
    )


def _row(member: "KnownMember", request: MemberRequest) -> dict[str, Any]:
    last, now = member.last_signed_in_at, timezone.now()
    until = member.role_until if member.role_now == member.role else None
    return {
        "id": member.pk,
        "name": str(member),
        "email": member.email,
        "is_active": member.status == Membership.Status.ACTIVE,
        "status": member.status,
        "status_label": member.get_status_display(),
        "role": member.role_now,
        "role_label": member.role_label,
        "last_day": _last_day(member, request.tenant),
        "role_until": until,
        "role_ends": in_words(until, now=now, time_zone=request.tenant.time_zone) if until else "",
        "ends_soon": until is not None and until < now + SOON,
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
