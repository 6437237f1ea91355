"""Whom a form may mean, while somebody types an address: a few people, as the field's own list shows them."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console import people
from console.access import for_act
from tenants.roles import Act
from tokens.endpoints.request import MemberRequest


@require_safe
@for_act(Act.APPROVALS_DECIDE)
def listing(request: MemberRequest) -> HttpResponse:
    """Answer with options for the one field that was sent, whatever it is called in its form."""
    typed = next(iter(request.GET.values()), "")
    return render(request, "ui/suggestions.html", {"people": people.suggested(str(typed))})
