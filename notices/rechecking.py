"""Checking many delegations against today's rules, after a ceiling, a resource or a policy became narrower.

It changes nothing: every mint asks the same rules. The report says whom a change reaches, before somebody ends or
renews anything.
"""

from collections.abc import Mapping, Sequence

from django.db.models import F, QuerySet
from django.utils import timezone

from audit.principals import Principal
from delegations import today
from delegations.models import Delegation
from notices import selecting
from notices.models import Job, JobItem
from tenants import directory
from tenants.models import Membership

MAX_NOTE = 200


def ask(found: "QuerySet[Delegation]", *, selection: Mapping[str, str], member: Membership, by: Principal) -> Job:
    """Let a list be checked against the rules of the moment at which each is come to."""
    return selecting.ask(Job.Kind.RECHECK, found, selection=selection, member=member, by=by)


def check(job: Job, items: Sequence[JobItem], by: Principal) -> None:
    """Note of each delegation of a chunk what today's rules would not allow."""
    now, tenant = timezone.now(), directory.current()
    known = Delegation.objects.get_queryset().with_names().in_bulk([item.object_id for item in items])
    noted = []
    for item in items:
        if (delegation := known.get(item.object_id)) is None or delegation.is_over(now):
            continue
        protected = directory.resource_server(delegation.audience)
        offered = protected.scopes.keys() if protected is not None else None
        if flaws := today.flaws(delegation, tenant, offered=offered, now=now):
            item.note = "; ".join(flaws)[:MAX_NOTE]
            noted.append(item)
    if noted:
        JobItem.objects.bulk_update(noted, ["note"])
        Job.objects.filter(pk=job.pk).update(noted=F("noted") + len(noted))
