"""Notices about questions: that one waits, to those who decide; that it is decided, to whoever wanted the agent."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_lazy, ngettext

from agents import admission, lapsing, remarks, risk
from agents.models import Approval
from audit.events import Event
from audit.models import Entry
from notices import rounds
from notices.kinds.kind import Kind, Words
from notices.links import path
from tenants import directory
from tenants.models import Membership
from tenants.rules import may_decide
from tokens import summaries

MOST_NAMED = 5


def _deciders(entry: Entry) -> Iterable[Membership]:
    """Return those who may decide, where somebody wants the agent or it was known before.

    Whatever arrives by itself stands on the page, and mails nobody: strangers would send mail as they please.
    """
    approval = _approval(entry)
    if approval is None or (entry.event == Event.APPROVAL_ASKED and approval.kind == Approval.Kind.ADMISSION):
        return []
    return [member for member in _active() if may_decide(member) and member.pk != entry.principal_id]


def _waits(entry: Entry, member: Membership) -> Words | None:
    approval = _approval(entry)
    if approval is None or approval.status != Approval.Status.WAITING or not may_decide(member):
        return None
    agent = approval.agent.name
    lines = [f"{approval.get_kind_display()}: {agent}.", *_known(approval), *_wanted(approval)]
    link = path("console-approval", approval.pk)
    return Words(_subject(approval), tuple(lines), link, gettext("Read and decide"))


def _waiters(entry: Entry) -> Iterable[Membership]:
    approval = _approval(entry)
    pleas = approval.pleas.select_related("member__user") if approval is not None else []
    return [plea.member for plea in pleas if plea.member_id != entry.principal_id]


def _decided(entry: Entry, member: Membership) -> Words | None:
    approval = _approval(entry)
    expected = _OUTCOMES[entry.event]
    if approval is None or approval.status != expected:
        return None  # It was taken back.
    agent = approval.agent.name
    if approval.status == Approval.Status.APPROVED:
        lines = [
            gettext("Your admins approved %(agent)s."),
            gettext("Start again from %(agent)s; it asks you what you allow it."),
        ]
        subject = gettext("%(agent)s is approved")
    elif approval.status == Approval.Status.DENIED:
        lines = [gettext("Your admins did not approve %(agent)s."), gettext("Reason: %(reason)s")]
        subject = gettext("%(agent)s was not approved")
    else:
        lines = [
            gettext("Nobody decided about %(agent)s in two weeks."),
            gettext("If you still need it, ask again from %(agent)s."),
        ]
        subject = gettext("Nobody decided about %(agent)s")
    facts = {"agent": agent, "reason": admission.reason_words(approval.reason)}
    said = tuple(line % facts for line in lines)
    return Words(subject % facts, said, path("my-agents"), gettext("Agents acting for you"))


def _undecided(entry: Entry, member: Membership) -> Words | None:
    approval = _approval(entry)
    if approval is None or approval.status != Approval.Status.WAITING:
        return None
    until = timezone.localtime(approval.created_at + lapsing.OPEN_FOR, ZoneInfo(directory.current().time_zone))
    facts = {"agent": approval.agent.name, "day": date_format(until, "DATE_FORMAT")}
    lines = (
        gettext("You asked for %(agent)s a week ago, and nobody has decided yet.") % facts,
        gettext("If nobody decides until %(day)s, it lapses; you are told then, and may ask again.") % facts,
    )
    subject = gettext("Nobody has decided about %(agent)s yet") % facts
    return Words(subject, lines, path("my-questions"), gettext("What you asked for"))


def _whoever_is_asked(entry: Entry) -> Iterable[Membership]:
    approval = _approval(entry)
    if approval is None:
        return []
    asked = [*_waiters(entry), *([approval.agent.owner] if approval.agent.owner else [])]
    return {member.pk: member for member in asked if member.pk != entry.principal_id}.values()


def _asked(entry: Entry, member: Membership) -> Words | None:
    approval = _approval(entry)
    if approval is None or remarks.open_question(approval, member) is None:
        return None  # It is decided, or answered.
    agent = approval.agent.name
    facts = {"person": entry.principal_label, "agent": agent, "words": entry.reason}
    lines = (
        gettext("%(person)s asks about %(agent)s: “%(words)s”") % facts,
        gettext("Nothing is decided by the question itself."),
    )
    subject = gettext("Answer: %(person)s asks about %(agent)s") % facts
    return Words(subject, lines, path("my-questions"), gettext("Answer"))


def _assignee(entry: Entry) -> Iterable[Membership]:
    return [member for member in _active().filter(pk=entry.detail["to"]) if member.pk != entry.principal_id]


def _assigned(entry: Entry, member: Membership) -> Words | None:
    approval = _approval(entry)
    if approval is None or approval.assigned_to_id != member.pk:
        return None
    told = _waits(entry, member)
    if told is None:
        return None
    said = gettext("%(person)s asks you to decide on it.") % {"person": entry.principal_label}
    return Words(told.subject, (said, *told.lines), told.link, told.link_words)


def _approval(entry: Entry) -> Approval | None:
    return Approval.objects.select_related("agent__owner__user", "client").filter(pk=entry.about_id).first()


def _active() -> "QuerySet[Membership]":
    return Membership.objects.select_related("user").filter(
        status=Membership.Status.ACTIVE, user__is_active=True
    ).order_by("pk")  # fmt: skip


def _subject(approval: Approval) -> str:
    return gettext("Decide: %(what)s") % {"what": summaries.question(approval)}


def _known(approval: Approval) -> Iterable[str]:
    client = approval.client
    if client is not None and client.host:
        known = gettext("It says that it is of %(host)s.")
        words = known if client.is_verified else gettext("It says that it is of %(host)s; nobody checked that.")
        yield words % {"host": client.host}
    yield from (each.words for each in risk.of(approval, now=timezone.now()))
    nothing, changed = gettext("nothing"), gettext("Changed: %(what)s, from %(before)s to %(after)s.")
    for what, before, after in approval.changes[:5]:
        yield changed % {"what": what, "before": before or nothing, "after": after or nothing}


def _wanted(approval: Approval) -> Iterable[str]:
    for plea in approval.pleas.select_related("member__user")[:5]:
        words = gettext("%(person)s wants it: “%(reason)s”") if plea.reason else gettext("%(person)s wants it.")
        yield words % {"person": plea.member, "reason": plea.reason}


def _all_deciders(entry: Entry) -> Iterable[Membership]:
    return [member for member in _active() if may_decide(member)]


def _still_wait(entry: Entry, member: Membership) -> Words | None:
    waiting = list(rounds.still_waiting(entry.at).select_related("agent")[: MOST_NAMED + 1])
    if not waiting or not may_decide(member):
        return None
    number = rounds.still_waiting(entry.at).count()
    lines = [f"{approval.get_kind_display()}: {approval.agent.name}." for approval in waiting[:MOST_NAMED]]
    more = [gettext("And %(number)s more.") % {"number": number - MOST_NAMED}] if number > MOST_NAMED else []
    subject = ngettext("Decide: %(number)s agent still waits", "Decide: %(number)s agents still wait", number)
    return Words(subject % {"number": number}, (*lines, *more), path("console-approvals"), gettext("Read and decide"))


_OUTCOMES = {
    Event.APPROVAL_GIVEN.value: Approval.Status.APPROVED,
    Event.APPROVAL_REFUSED.value: Approval.Status.DENIED,
    Event.APPROVAL_LAPSED.value: Approval.Status.LAPSED,
}
WAITING = Kind(
    name="approval-waiting",
    title=gettext_lazy("An agent waits for your decision"),
    events=frozenset({Event.APPROVAL_ASKED, Event.APPROVAL_WANTED, Event.APPROVAL_ENDED}),
    to=_deciders,
    words=_waits,
    concerns=may_decide,
    is_once=True,
)
STILL_WAITING = Kind(
    name="approvals-digest",
    title=gettext_lazy("Agents still wait in the morning, in one mail a day"),
    events=frozenset({Event.APPROVALS_STILL_WAIT}),
    to=_all_deciders,
    words=_still_wait,
    concerns=may_decide,
)
ASSIGNED = Kind(
    name="approval-assigned",
    title=gettext_lazy("Somebody asks you to decide on an agent"),
    events=frozenset({Event.APPROVAL_ASSIGNED}),
    to=_assignee,
    words=_assigned,
    concerns=may_decide,
)
ASKED = Kind(
    name="approval-asked",
    title=gettext_lazy("Somebody who decides asks you about an agent that you want or own"),
    events=frozenset({Event.APPROVAL_QUESTIONED}),
    to=_whoever_is_asked,
    words=_asked,
)
DECIDED = Kind(
    name="approval-decided",
    title=gettext_lazy("An agent that you asked for was approved or denied"),
    events=frozenset({Event.APPROVAL_GIVEN, Event.APPROVAL_REFUSED, Event.APPROVAL_LAPSED}),
    to=_waiters,
    words=_decided,
)
UNDECIDED = Kind(
    name="approval-undecided",
    title=gettext_lazy("Nobody decided within a week on an agent that you asked for"),
    events=frozenset({Event.APPROVAL_UNDECIDED}),
    to=_waiters,
    words=_undecided,
)
