"""Removing an issuer with all that came through it: ended at once, and written down one by one behind that."""

from django.db import transaction
from django.utils import timezone

from audit.principals import Principal
from delegations.models import Delegation
from notices import ending
from notices.errors import NothingMatches
from notices.models import Job
from tenants.models import Membership
from trust import removing
from trust.models import TrustedIssuer

REASON = "its issuer was removed"


@transaction.atomic
def remove_issuer(
    issuer: TrustedIssuer, *, member: Membership, by: Principal, reason: str = "", version: int | None = None
) -> Job | None:
    """Remove an issuer and end what stands on its word; return the job that accounts for it, None where nothing did.

    Raises Unusable or Stale.
    """
    removing.remove_issuer(issuer, by=by, reason=reason, version=version)
    stands = Delegation.objects.live(timezone.now()).filter(issuer=issuer)
    try:
        selection = {"issuer": issuer.pk}
        return ending.end_all(stands, selection=selection, reason=reason or REASON, expected=None, member=member, by=by)
    except NothingMatches:
        return None
