"""Who is to decide on an open question. Everybody else who may decide still may."""

from django.db import transaction
from django.utils.translation import gettext as _

from agents.admission import principal
from agents.errors import AlreadyDecided, Unusable
from agents.models import Approval
from audit.events import Event
from audit.ledger import record
from tenants.models import Membership
from tenants.rules import is_here, may_decide


@transaction.atomic
def assign(approval: Approval, *, to: Membership | None, by: Membership) -> None:
    """Name who is to decide on an open question, or nobody; raises AlreadyDecided or Unusable.

    Whoever says what is so already changes nothing. What is asked stays as it was read: the version does not move.
    """
    if to is not None and not (is_here(to) and may_decide(to)):
        raise Unusable(_("Choose somebody who may decide."))
    open_one = Approval.objects.filter(pk=approval.pk, status=Approval.Status.WAITING)
    held = open_one.select_for_update().first()
    if held is None:
        raise AlreadyDecided(approval.pk)
    after, before = to.pk if to else "", held.assigned_to_id or ""
    if after == before:
        return
    open_one.update(assigned_to=to)
    record(Event.APPROVAL_ASSIGNED, by=principal(by), about=held, detail={"to": after, "before": before})
