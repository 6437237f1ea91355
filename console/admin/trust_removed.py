"""Removing an issuer with what came through it, and bringing one back: it stands as it did, and that stays ended."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from console.access import for_act, principal
from console.admin.resources import version_of
from console.admin.trust import Purpose
from console.admin.trust_forms import OffForm
from console.admin.trust_issuer import TOO_LATE, issuer_of, show
from console.attempt import attempt
from console.impact_words import impact_words
from notices import distrust
from tenants.roles import Act
from tokens import impact
from tokens.endpoints.request import MemberRequest
from trust import removing
from trust.errors import TooLateToRestore

SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
@for_act(Act.TRUST_WRITE)
def remove(request: MemberRequest, issuer_id: str) -> HttpResponse:
    """Say what ends with an issuer; and remove it."""
    issuer, now, said = issuer_of(issuer_id), timezone.now(), ""
    reached = impact.of_issuer(issuer, now=now)
    form = OffForm(request.POST if request.method == "POST" else None, reaches=reached.delegations)
    if request.method == "POST" and form.is_valid():
        words: dict[str, Any] = {"version": version_of(request), "reason": form.cleaned_data["reason"]}
        member, by = request.member, principal(request)
        said = attempt(lambda: distrust.remove_issuer(issuer, member=member, by=by, **words))
        if not said:
            return redirect("console-trust")
    content = {
        "thing": issuer_of(issuer_id) if said else issuer,
        "impact": impact_words(reached, now=now, time_zone=request.tenant.time_zone),
        "form": form,
        "said": said,
        "signs_in": Purpose.SIGN_IN in issuer.purposes,
    }
    return render(request, "console/trust_remove.html", content, status=409 if said else 422 if form.errors else 200)


@require_POST
@for_act(Act.TRUST_WRITE)
def restore(request: MemberRequest, issuer_id: str) -> HttpResponse:
    issuer, version, by = issuer_of(issuer_id), version_of(request), principal(request)
    try:
        said = attempt(lambda: removing.restore_issuer(issuer, by=by, version=version), but=TooLateToRestore)
    except TooLateToRestore:
        said = str(TOO_LATE)
    if said:
        return show(request, issuer_of(issuer_id), said=said, status=409)
    return redirect("console-issuer", issuer_id)


def removed(now: datetime) -> Sequence[Mapping[str, Any]]:
    """Return the issuers that may be restored, as the page of trust names them."""
    return [
        {
            "id": each.pk,
            "name": each.name,
            "issuer": each.issuer,
            "version": each.version,
            "removed_at": each.removed_at,
            "until": removing.restorable_until(each),
            "was_off": not each.was_enabled,
        }
        for each in removing.restorable(now).defer("jwks")[:SHOWN]
    ]
