"""Members: who has a place here, with which role; inviting somebody, and what ends where somebody goes."""

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from agents.models import Agent
from console.access import for_act
from console.admin.resource_forms import Reason
from console.admin.resources import version_of
from console.attempt import attempt
from console.paging import page
from delegations import reach
from tenants import members
from tenants.filters import MemberFilter
from tenants.invitation import Invitation
from tenants.mail import invite_by_mail
from tenants.models import Membership
from tenants.roles import Act, may
from tokens import stops
from tokens.endpoints.request import MemberRequest

OPEN_SHOWN = 50


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
    found = MemberFilter(request.GET, Membership.objects.select_related("user"))
    rows, pager = page(request, found.qs)
    waiting = Invitation.objects.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=timezone.now())
    waiting = waiting.select_related("invited_by__user").order_by("-pk")
    content = {
        "people": rows,
        "roles": Membership.Role.choices,
        "invitations": [(each, Membership.Role(each.role).label) for each in waiting[:OPEN_SHOWN]],
        "invite_form": form or Invite(),
        "filter_form": found.form,
        "may_change": may(request.member, Act.MEMBERS_WRITE),
        "said": said,
    }
    return render(request, "console/members.html", {**content, **pager}, status=status)
