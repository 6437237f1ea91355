"""Several questions decided at once: only where all of them ask for the same, and none is worth a second look."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from agents import admission, alike, outcome, risk, writing
from agents.errors import AlreadyDecided, BadLimits, Unusable
from agents.limits import Limits
from agents.models import Approval
from tenants.models import Membership
from tenants.rules import is_here

MOST = 50
NO_NARROWER = Limits(None)
KINDS = frozenset({Approval.Kind.ADMISSION, Approval.Kind.SCOPES})
"""What changed of an agent, and whether it goes on, is read one by one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was approved, and what was passed over because somebody decided on it or it changed meanwhile."""

    done: tuple[Approval, ...]
    passed_over: tuple[Approval, ...]


def worry(approval: Approval, risks: Iterable[risk.Risk]) -> str:
    """Return why a question is to be decided on its own, in words, or "" where it is of low risk."""
    if found := next((each.words for each in risks), ""):
        return found
    if approval.kind not in KINDS:
        return _("Such a question is read on its own.")
    if not approval.asked:
        return _("It does not say what it asks for.")
    if approval.own:
        return _("It asks to act for itself, with nobody behind it.")
    return _("It asks to change things.") if writing.is_among(approval.asked) else ""


def key(approval: Approval) -> str:
    """Return what is the same of questions that ask for the same."""
    return alike.key_of(approval.kind, approval.asked)


def check_alike(approvals: Sequence[Approval], *, now: datetime) -> None:
    """Refuse to decide at once on questions that differ in what they ask, or are worth a second look; raises Unusable.

    The one rule, for the page and for the API.
    """
    if not approvals:
        raise Unusable(_("Nothing of it waits for a decision. Choose at least one."))
    if len(approvals) > MOST:
        raise Unusable(_("At most %(most)s are decided at once.") % {"most": MOST})
    known = risk.names()
    for each in approvals:
        if why := worry(each, risk.of(each, now=now, known=known)):
            raise Unusable(_("%(agent)s is to be decided on its own. %(why)s") % {"agent": each.agent, "why": why})
    if len({key(each) for each in approvals}) > 1:
        raise Unusable(_("They do not ask for the same. Decide on them one by one."))


def check_narrower(approvals: Sequence[Approval], narrower: Limits, *, now: datetime) -> None:
    """Refuse limits that cannot hold, or that alike questions are not about; raises BadLimits or Unusable."""
    first = approvals[0]
    outcome.kept(first, first.agent, replace(narrower, ceiling=first.asked), now=now)


def named(ids: Iterable[str]) -> "QuerySet[Approval]":
    """Return the questions that are named, with what is read of them, in the order in which their agents are held."""
    related = Approval.objects.select_related("agent__owner__user", "client__software_issuer")
    return related.filter(pk__in=ids).order_by("agent_id").prefetch_related("pleas__member__user")


def as_read(found: Iterable[Approval], read: Mapping[str, int]) -> list[Approval]:
    """Return those that still wait as they were read; `read` is the version of each by its id."""
    return [each for each in found if each.status == Approval.Status.WAITING and each.version == read[each.pk]]


def ownerless(approvals: Iterable[Approval]) -> list[Approval]:
    """Return those about agents of which nobody who is here is the owner."""
    return [each for each in approvals if not is_here(each.agent.owner)]


@transaction.atomic
def approve(
    read: Mapping[str, int], *, by: Membership, owner: Membership | None, narrower: Limits = NO_NARROWER
) -> Outcome:
    """Approve each for what it asks, with an entry of its own; `read` is the version of each by its id.

    `owner` answers for those agents that have none, and `narrower` bounds each as one that is decided alone. Raises
    Unusable or BadLimits, and then decides on nothing.
    """
    found, now = list(named(read)), timezone.now()
    open_ones = as_read(found, read)
    check_alike(open_ones, now=now)
    check_narrower(open_ones, narrower, now=now)
    if owner is None and ownerless(open_ones):
        raise BadLimits({"owner": _("Choose who answers for those that have no owner.")})
    done = [each for each in open_ones if _is_approved(each, by, owner, narrower)]
    return Outcome(tuple(done), tuple(each for each in found if each not in done))


def _is_approved(approval: Approval, by: Membership, owner: Membership | None, narrower: Limits) -> bool:
    own = approval.agent.owner if is_here(approval.agent.owner) else owner
    assert own is not None  # Asked before anything is decided.
    try:
        admission.approve(
            approval,
            by=by,
            owner=own,
            ceiling=approval.asked,
            people=narrower.people,
            longest=narrower.longest,
            until=narrower.until,
            version=approval.version,
        )
    except AlreadyDecided:
        return False
    return True
