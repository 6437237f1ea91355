"""Changes of the factors that protect a person's account, with their entries in the ledger of this tenant."""

from collections.abc import Iterator
from contextlib import contextmanager

from allauth.mfa.models import Authenticator
from django.db import transaction

from audit.events import Event
from audit.ledger import record
from console.access import principal
from tokens.endpoints.request import MemberRequest


@contextmanager
def recorded(request: MemberRequest) -> Iterator[None]:
    """Write down what the block added and removed, in the transaction in which it did."""
    with transaction.atomic():
        before = _held(request)
        yield
        after = _held(request)
        _record(request, Event.FACTOR_REMOVED, {pk: before[pk] for pk in before.keys() - after.keys()})
        _record(request, Event.FACTOR_ADDED, {pk: after[pk] for pk in after.keys() - before.keys()})


def _held(request: MemberRequest) -> dict[int, dict[str, str]]:
    """Return the factors that one person has; allauth removes and adds recovery codes by itself, beside the others."""
    rows = Authenticator.objects.filter(user_id=request.user.pk).order_by("pk")
    return {row.pk: {"factor": row.type, "name": str(row.data.get("name", ""))} for row in rows}


def _record(request: MemberRequest, event: Event, factors: dict[int, dict[str, str]]) -> None:
    for _, detail in sorted(factors.items()):
        record(event, by=principal(request), about=request.member, detail=detail)
