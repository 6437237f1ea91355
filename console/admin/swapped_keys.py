"""Keys of an issuer that were swapped: somebody looked at them, and says so."""

from datetime import UTC, datetime

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from console.access import for_act, principal
from console.admin import trust_issuer
from console.attempt import attempt
from kit import moments
from tenants.roles import Act
from tokens.endpoints.request import MemberRequest
from trust import swapped

_NEVER = datetime(1, 1, 1, tzinfo=UTC)


@require_POST
@for_act(Act.TRUST_WRITE)
def confirm(request: MemberRequest, issuer_id: str) -> HttpResponse:
    """Say that somebody looked at them, as they stood on the page."""
    issuer, seen = trust_issuer.issuer_of(issuer_id), _moment(request.POST.get("swapped_at", ""))
    said = attempt(lambda: swapped.confirm(issuer, by=principal(request), seen=seen))
    if said:
        return trust_issuer.show(request, trust_issuer.issuer_of(issuer_id), said=said, status=409)
    return redirect("console-issuer", issuer_id)


def _moment(text: str) -> datetime:
    """Return which keys were looked at; of what says none, a moment of no keys: nothing is confirmed unseen."""
    try:
        return moments.parse(text, now=timezone.now(), is_ahead=False)
    except (ValueError, OverflowError):
        return _NEVER
