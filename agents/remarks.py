"""Asking before deciding: an approver's question to whoever wants an agent or owns it, and the answer."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from agents.admission import principal, words_of
from agents.errors import AlreadyDecided, Unusable
from agents.models import Approval, Plea, Remark
from audit.events import Event
from audit.ledger import record
from tenants.models import Membership

Approvals: TypeAlias = "QuerySet[Approval]"
MOST = 40
"""How much is said about one question at most."""


@transaction.atomic
def ask(approval: Approval, *, by: Membership, words: str) -> Remark:
    """Ask whoever wants the agent, without deciding; raises AlreadyDecided or Unusable."""
    said = _said(approval, words, _("Write what you want to know."))
    made = Remark.objects.create(approval=approval, member=by, is_question=True, words=said)
    record(Event.APPROVAL_QUESTIONED, by=principal(by), about=approval, reason=said)
    return made


@transaction.atomic
def answer(approval: Approval, *, by: Membership, words: str) -> Remark:
    """Answer what was asked; raises AlreadyDecided, or Unusable where nothing is open for this person."""
    said = _said(approval, words, _("Write your answer."))
    if open_question(approval, by) is None:
        raise Unusable(_("Nobody waits for an answer of yours."))
    made = Remark.objects.create(approval=approval, member=by, is_question=False, words=said)
    record(Event.APPROVAL_ANSWERED, by=principal(by), about=approval, reason=said)
    return made


def open_question(approval: Approval, member: Membership) -> Remark | None:
    """Return the latest question that this person was asked and has not answered."""
    is_asked = approval.agent.owner_id == member.pk or approval.pleas.filter(member=member).exists()
    latest = approval.remarks.filter(is_question=True).order_by("-pk").first() if is_asked else None
    if latest is None or approval.remarks.filter(member=member, is_question=False, pk__gt=latest.pk).exists():
        return None
    return latest


def concerning(member: Membership) -> Approvals:
    """Return the questions about agents that this person wants or owns, decided or not."""
    wants = Exists(Plea.objects.filter(approval=OuterRef("pk"), member=member))
    return Approval.objects.filter(Q(agent__owner=member) | wants)


def asked(member: Membership) -> Approvals:
    """Return the open questions about which this person was asked something and has not answered, newest first."""
    about_it = Remark.objects.filter(approval=OuterRef("pk"))
    latest = about_it.filter(is_question=True).order_by("-pk").values("pk")[:1]
    answered = Exists(about_it.filter(member=member, is_question=False, pk__gt=OuterRef("latest")))
    waiting = concerning(member).filter(status=Approval.Status.WAITING).annotate(latest=Subquery(latest))
    return waiting.filter(~answered, latest__isnull=False).order_by("-pk")


def wanted(member: Membership) -> Approvals:
    """Return the questions about agents that this person asked for, decided or not."""
    return Approval.objects.filter(Exists(Plea.objects.filter(approval=OuterRef("pk"), member=member)))


def readable(member: Membership) -> "QuerySet[Remark]":
    """Return what a person may read of what was said: what others answered is between them and their admins."""
    return Remark.objects.filter(Q(is_question=True) | Q(member=member)).order_by("pk")


def of(approval: Approval, member: Membership) -> "QuerySet[Remark]":
    """Return what of it was said about one question, with who said it."""
    return readable(member).filter(approval=approval).select_related("member__user")


@dataclass(frozen=True, slots=True)
class Line:
    """A remark as pages show it."""

    who: str
    words: str
    is_question: bool
    at: datetime


def lines(remarks: Iterable[Remark]) -> list[Line]:
    """Return remarks, whose members are fetched, as pages show them."""
    return [Line(str(each.member), each.words, each.is_question, each.created_at) for each in remarks]


def _said(approval: Approval, words: str, flaw: str) -> str:
    """Return the words, while the question is held open; raises AlreadyDecided or Unusable."""
    open_one = Approval.objects.select_for_update().filter(pk=approval.pk, status=Approval.Status.WAITING)
    if open_one.first() is None:
        raise AlreadyDecided(approval.pk)
    said = words_of(words)
    if not said:
        raise Unusable(flaw)
    if approval.remarks.count() >= MOST:
        raise Unusable(_("So much was said about this already. Decide, or talk to each other."))
    return said
