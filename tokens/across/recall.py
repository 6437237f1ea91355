"""Recall (ID-JAG §9.3; MCP Enterprise-Managed Authorization §7): what ends here ends what stands on it elsewhere.

A tenant of this installation is reached in the very transaction: when the issuing tenant's end is committed, nothing
that stood on it lives at the accepting one, and both ledgers say so. What another server made of a grant is known to
that server alone; the entry of the end names it, and is what a notice to it is made of.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import timezone

from audit.events import Event
from audit.ledger import record
from audit.principals import SYSTEM, Kind, Principal
from delegations import actions
from delegations.errors import DelegationOver
from delegations.models import Delegation
from delegations.standing import RECALLED
from kit import context
from tenants import directory
from tokens import receipts, trust


def withdraw(delegations: Iterable[Delegation]) -> int:
    """End, at the tenants of this installation, what stands on the current tenant's delegations; return how many."""
    by_audience: dict[str, list[Delegation]] = defaultdict(list)
    for delegation in delegations:
        if delegation.elsewhere is not None:
            by_audience[delegation.elsewhere.issuer].append(delegation)
    return sum(_withdraw_at(issuer, found) for issuer, found in by_audience.items())


def _withdraw_at(audience: str, delegations: list[Delegation]) -> int:
    sister, tenant = trust.sister(audience), directory.current()
    if sister is None:
        return 0
    by = Principal(Kind.SYSTEM, tenant.issuer, tenant.name)
    with context.use(sister):
        standing = Delegation.objects.filter(foreign_delegation__in=[each.pk for each in delegations], ended_at=None)
        ended = [each.foreign_delegation for each in standing.order_by("pk") if _end(each, by)]
    for delegation in delegations:
        if delegation.pk in ended:
            number = ended.count(delegation.pk)
            record(
                Event.DELEGATION_RECALLED, by=SYSTEM, about=delegation, detail={"at": audience, "delegations": number}
            )
    return len(ended)


def _end(delegation: Delegation, by: Principal) -> bool:
    def account() -> Mapping[str, Any]:
        return {"receipt": receipts.write(delegation, now=timezone.now()).as_json()}

    try:
        actions.revoke(delegation, by=by, reason=RECALLED, account=account)
    except DelegationOver:
        return False  # Somebody there ended it at the same moment.
    return True
