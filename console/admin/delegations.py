"""Delegations: who lets which agent do what, where, and until when; the live ones, newest first."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from console.access import for_keepers
from console.paging import page
from console.rows import delegation_row
from delegations.filters import DelegationFilter
from delegations.models import Delegation
from tokens import impact
from tokens.endpoints.request import MemberRequest


@for_keepers
def listing(request: MemberRequest) -> HttpResponse:
    now = timezone.now()
    found = DelegationFilter(request.GET, Delegation.objects.visible_to(request.member).live(now))
    rows, pager = page(request, impact.with_use(found.qs.with_names()))
    shown = [delegation_row(delegation, now=now, tenant=request.tenant) for delegation in rows]
    return render(request, "console/delegations.html", {"delegations": shown, "filter_form": found.form, **pager})
