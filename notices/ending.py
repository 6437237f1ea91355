"""Ending many delegations: all of them from the moment that it is asked, and written down one by one behind that.

The selection is frozen by one INSERT … SELECT and ended by one UPDATE, in the transaction that answers: nothing of it
is refreshed, exchanged or introspected after that. What the clock does later is the account: an entry in the ledger
with a receipt for each. Giving back never wakes a token: it makes a new delegation with the same limits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from audit import ledger
from audit.events import Event
from audit.ledger import About, record
from audit.principals import Principal
from delegations import actions as delegation_actions
from delegations.errors import IssuerRemoved, TooLateToUndo
from delegations.models import Delegation, DelegationQuerySet
from delegations.sentence import kept_sentence
from kit import whole_sets
from notices import selecting
from notices.errors import NotGivenBack, NothingMatches, NumberMoved
from notices.kinds.delegations import ENDED_BY_OTHERS
from notices.models import Job, JobItem, OptOut, Webhook
from notices.webhooks.rules import covers
from tenants.models import Membership
from tokens import bulk_receipts
from tokens.across import recall

UNDO = timedelta(minutes=10)
ENDED_BEFORE = "somebody else ended it first"
CANNOT = "it cannot be given back any more"
DISTRUSTED = "its issuer is not trusted any more; restore the issuer first"


@dataclass(frozen=True, slots=True)
class Preview:
    """What ending a selection would touch: at which audiences, and how many people and webhooks are told of it."""

    delegations: int
    people: int
    agents: int
    told: int
    webhooks: int
    audiences: tuple[str, ...]

    @property
    def resources(self) -> int:
        return len(self.audiences)


@transaction.atomic
def preview(found: "QuerySet[Delegation]", *, by: Membership) -> Preview:
    """Return what a selection of live delegations touches, where this person ends it."""
    silent = OptOut.objects.filter(kind=ENDED_BY_OTHERS.name).values("member")
    told = Q(depth=0) & ~Q(member=by) & ~Q(member__in=silent)
    with whole_sets.joined():
        counted = found.order_by().aggregate(
            delegations=Count("pk", distinct=True),
            people=Count("member", distinct=True),
            agents=Count("agent", distinct=True),
            told=Count("member", distinct=True, filter=told),
        )
        audiences = sorted(set(found.order_by().values_list("audience", flat=True).distinct()))
    listening = Webhook.objects.filter(on_since__isnull=False).values_list("events", flat=True)
    webhooks = sum(covers(events, Event.DELEGATION_ENDED) for events in listening)
    return Preview(**counted, webhooks=webhooks, audiences=tuple(audiences))


@transaction.atomic
def end_all(
    found: "QuerySet[Delegation]",
    *,
    selection: Mapping[str, str],
    reason: str,
    expected: int | None,
    member: Membership,
    by: Principal,
) -> Job:
    """End every live delegation of a selection now, and leave the account of it to the clock.

    `expected` is the number that somebody confirmed; None confirms any. Raises NothingMatches or NumberMoved.
    """
    job = Job.objects.create(kind=Job.Kind.END, selection=dict(selection), reason=reason, asked_by=member)
    total = selecting.freeze(job, found)
    if not total:
        raise NothingMatches
    if expected is not None and expected != total:
        raise NumberMoved(total)
    frozen = JobItem.objects.filter(job=job).values("object_id")
    with whole_sets.joined():
        Delegation.objects.filter(pk__in=frozen, ended_at=None).update(
            ended_at=job.created_at, ended_by=by.id, ended_reason=reason, version=F("version") + 1
        )
        across = list(_ended_by(job).filter(pk__in=frozen, elsewhere__isnull=False))
    recall.withdraw(across)
    Job.objects.filter(pk=job.pk).update(total=total)
    job.total = total
    record(Event.JOB_STARTED, by=by, about=job, reason=reason, detail={"total": total, "kind": str(job.kind)})
    return job


@transaction.atomic
def undo_all(job: Job, *, member: Membership, by: Principal) -> Job:
    """Give back what a job ended, within ten minutes and by the same person.

    Raises NotGivenBack, or IssuerRemoved where all of it came through issuers that were removed; where some of it did,
    that stays ended, and the report says so.
    """
    is_theirs = job.asked_by_id == member.pk and job.kind == Job.Kind.END
    if not is_theirs or not job.is_over or timezone.now() - job.created_at > UNDO:
        raise NotGivenBack(job.pk)
    _check_trusted(job)
    made = {"kind": Job.Kind.RESTORE, "selection": job.selection, "reason": job.reason, "asked_by": member, "of": job}
    try:
        with transaction.atomic():
            restoring = Job.objects.create(**made)
    except IntegrityError as error:  # Somebody pressed the button twice.
        raise NotGivenBack(job.pk) from error
    done = JobItem.objects.filter(job=job, state=JobItem.State.DONE, note="").order_by("pk")
    JobItem.objects.bulk_create(
        (JobItem(job=restoring, object_id=each) for each in done.values_list("object_id", flat=True).iterator()),
        batch_size=1000,
    )
    restoring.total = JobItem.objects.filter(job=restoring).count()
    restoring.save(update_fields=["total"])
    record(Event.JOB_STARTED, by=by, about=restoring, detail={"total": restoring.total, "kind": str(restoring.kind)})
    return restoring


def _check_trusted(job: Job) -> None:
    """Refuse to give back what a job ended where nothing of it came otherwise than through a removed issuer."""
    ended = Delegation.objects.filter(pk__in=JobItem.objects.filter(job=job).values("object_id"))
    removed = ended.filter(issuer__removed_at__isnull=False)
    if removed.exists() and not ended.filter(issuer__removed_at=None).exists():
        raise IssuerRemoved(job.pk)


def end(job: Job, items: Sequence[JobItem], by: Principal) -> None:
    """Write down the ends of a chunk: an entry with its receipt for each."""
    ended = list(_ended_by(job).filter(pk__in=[item.object_id for item in items]))
    written = bulk_receipts.write(ended, at=job.created_at)
    ledger.record_all(
        ledger.fields(
            Event.DELEGATION_ENDED,
            by=by,
            about=About("delegation", each.pk, str(each)),
            on_behalf_of=each.subject,
            through=each.agent_id or "",
            reason=job.reason,
            detail={
                "sentence": kept_sentence(each, now=job.created_at),
                "scopes": list(each.scopes),
                "receipt": written[each.pk].as_json(),
                "job": job.pk,
            },
        )
        for each in ended
    )
    missed = {item.object_id for item in items} - {each.pk for each in ended}
    JobItem.objects.filter(job=job, object_id__in=missed).update(note=ENDED_BEFORE)


def give_back(job: Job, items: Sequence[JobItem], by: Principal) -> None:
    """Write down the ends of a chunk that a stop did not let come to, and give it back at once."""
    end(job, items, by)
    _restore(job, items, job, by)


def restore(job: Job, items: Sequence[JobItem], by: Principal) -> None:
    """Make a new delegation for each that the job before ended, where its person, agent and time still allow it."""
    assert job.of is not None
    _restore(job, items, job.of, by)


def _restore(job: Job, items: Sequence[JobItem], ender: Job, by: Principal) -> None:
    ended = {each.pk: each for each in _ended_by(ender).filter(pk__in=[item.object_id for item in items])}
    missed, distrusted = [], []
    for item in items:
        delegation = ended.get(item.object_id)
        try:
            if delegation is None:
                raise TooLateToUndo(item.object_id)
            delegation_actions.undo(delegation, by=by, asked_at=job.created_at)
        except TooLateToUndo:
            missed.append(item.pk)
        except IssuerRemoved:
            distrusted.append(item.pk)
    JobItem.objects.filter(pk__in=distrusted, note="").update(note=DISTRUSTED)
    JobItem.objects.filter(pk__in=missed, note="").update(note=CANNOT)


def _ended_by(job: Job) -> DelegationQuerySet:
    """Return what the job itself ended, with the names that sentences need."""
    ended = Delegation.objects.get_queryset().with_names()
    return ended.filter(ended_at=job.created_at, ended_by=job.asked_by_id)
