"""What a person may take along of their own: the agents that act for them, and those that did."""

from django.db import transaction
from django.db.models import Q
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from audit.events import Event
from audit.ledger import record
from console.access import for_members, principal
from console.exports import answer
from delegations.models import Delegation, DelegationQuerySet
from notices import exporting, lists
from tokens import impact
from tokens.endpoints.request import MemberRequest


@require_GET
@for_members
def acting(request: MemberRequest) -> HttpResponse:
    return _file(request, Delegation.objects.of(request.member).live(timezone.now()), "my agents")


@require_GET
@for_members
def past(request: MemberRequest) -> HttpResponse:
    # As on the page: what was handed on ends with what it was handed from, and is not told of apart.
    by_itself = Q(ended_at__isnull=False) | Q(expires_at__lte=timezone.now())
    return _file(request, Delegation.objects.of(request.member).filter(by_itself), "my past access")


def _file(request: MemberRequest, rows: DelegationQuerySet, called: str) -> HttpResponse:
    detail: dict[str, str | int] = {"list": called, "form": exporting.JSON}
    with transaction.atomic():
        detail["rows"] = rows.order_by().count()
        record(Event.LIST_EXPORTED, by=principal(request), about=request.tenant, detail=detail)
    return answer(request.tenant, lists.DELEGATIONS, impact.with_use(rows.with_names()), exporting.JSON)
