"""The places where my agents run: ending one and leaving the others, and calling one something."""

from contextlib import suppress
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from console.access import for_members, principal
from console.places import kind
from console.receipt_words import receipt_words
from delegations.models import Delegation
from tokens import installations
from tokens.endpoints.request import MemberRequest
from tokens.errors import InstallationOver
from tokens.models import RefreshToken

_LAST_ENDED = "last_ended_place"


@require_POST
@for_members
def end(request: MemberRequest, delegation_id: str, installation_id: str) -> HttpResponse:
    delegation, installation = _mine(request, delegation_id, installation_id)
    try:
        receipt = installations.end(installation, delegation, by=principal(request), reason=installations.BY_THE_PERSON)
    except InstallationOver:
        return redirect("my-agents")
    agent = delegation.agent.name if delegation.agent else delegation.client.name
    place = installation.label or kind(installation)
    request.session[_LAST_ENDED] = {"agent_name": agent, "place": place, "receipt": receipt.as_json()}
    return redirect("my-agents")


@require_POST
@for_members
def name(request: MemberRequest, delegation_id: str, installation_id: str) -> HttpResponse:
    _, installation = _mine(request, delegation_id, installation_id)
    with suppress(InstallationOver):
        installations.name(installation, request.POST.get("label", ""), by=principal(request))
    return redirect("my-agents")


def just_ended(request: MemberRequest) -> dict[str, Any] | None:
    """Return what this person ended last, once."""
    last = request.session.pop(_LAST_ENDED, None)
    if last is None:
        return None
    words = receipt_words(last["receipt"], now=timezone.now(), time_zone=request.tenant.time_zone)
    return {"agent_name": last["agent_name"], "place": last["place"], **words}


def _mine(request: MemberRequest, delegation_id: str, installation_id: str) -> tuple[Delegation, RefreshToken]:
    mine = Delegation.objects.of(request.member).select_related("agent", "client")
    delegation = get_object_or_404(mine, pk=delegation_id)
    installation = installations.find(delegation, installation_id)
    if installation is None:
        raise Http404
    return delegation, installation
