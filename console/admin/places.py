"""Where an agent runs for a person: for those who look after the tenant to see, and for admins to end one place."""

from contextlib import suppress

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from console.access import for_admins, for_keepers, principal
from console.places import places_of
from console.rows import delegation_row
from delegations.models import Delegation
from tokens import impact, installations
from tokens.endpoints.request import MemberRequest
from tokens.errors import InstallationOver


@for_keepers
def listing(request: MemberRequest, delegation_id: str) -> HttpResponse:
    now = timezone.now()
    live = impact.with_use(Delegation.objects.visible_to(request.member).live(now).with_names())
    delegation = get_object_or_404(live, pk=delegation_id)
    places = places_of([delegation], now=now, tenant=request.tenant)[delegation.pk]
    row = delegation_row(delegation, now=now, tenant=request.tenant)
    shown = {"delegation": row, "places": places, "has_keys": any(each["key"] for each in places)}
    return render(request, "console/places.html", {**shown, "may_end": request.member.is_admin})


@require_POST
@for_admins
def end(request: MemberRequest, delegation_id: str, installation_id: str) -> HttpResponse:
    delegation = get_object_or_404(Delegation.objects.visible_to(request.member), pk=delegation_id)
    installation = installations.find(delegation, installation_id)
    if installation is None:
        raise Http404
    with suppress(InstallationOver):  # Somebody was faster.
        installations.end(installation, delegation, by=principal(request), reason=installations.BY_AN_ADMIN)
    return redirect("console-places", delegation_id)
