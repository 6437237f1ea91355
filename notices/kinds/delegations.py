"""Notices about delegations, to the person for whom an agent acts: that it does without their browser having been
there, and that somebody else ended it.
"""

from collections.abc import Iterable

from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from audit.events import Event
from audit.models import Entry
from delegations.models import Delegation
from delegations.sentence import place, sentence, stands_on
from notices.kinds.kind import Kind, Words
from notices.links import path
from tenants.models import Membership


def delegation_of(entry: Entry) -> Delegation | None:
    """Return the delegation that an entry is about, with its names."""
    return (
        Delegation.objects.get_queryset()
        .with_names()
        .select_related("consent", "tenant")
        .filter(pk=entry.about_id)
        .first()
    )


def _person(entry: Entry) -> Iterable[Membership]:
    """Return whom the agent acted for, unless they ended it themselves; what was handed on ends with its root."""
    ended = delegation_of(entry)
    if ended is None or ended.member is None or ended.depth or entry.principal_id == ended.member_id:
        return []
    return [ended.member]


def _ended(entry: Entry, member: Membership) -> Words | None:
    ended = delegation_of(entry)
    if ended is None or ended.ended_at is None:
        return None
    agent = ended.agent.name if ended.agent else ended.client.name
    facts = {
        "agent": agent,
        "where": place(ended) or gettext("sign-in"),
        "by": entry.principal_label or gettext("your organisation"),
        "reason": entry.reason,
    }
    lines = [
        gettext("%(agent)s no longer acts for you at %(where)s."),
        gettext("It was ended by %(by)s: %(reason)s.") if entry.reason else gettext("It was ended by %(by)s."),
        gettext("If you still need it, start again from %(agent)s; it asks you anew."),
    ]
    subject = gettext("%(agent)s no longer acts for you") % facts
    return Words(subject, tuple(line % facts for line in lines), path("past-access"), gettext("Past access"))


def _whoever_may_not_know(entry: Entry) -> Iterable[Membership]:
    """Return whom an agent acts for, where somebody else's word lets it, or a device's code (RFC 8628 §5.4)."""
    made = delegation_of(entry)
    if made is None or made.member is None or made.depth:
        return []
    from_a_device = made.consent is not None and not made.consent.redirect_host
    return [made.member] if from_a_device or entry.principal_id != made.member_id else []


def _acts(entry: Entry, member: Membership) -> Words | None:
    made, now = delegation_of(entry), timezone.now()
    if made is None or made.is_over(now):
        return None
    agent = made.agent.name if made.agent else made.client.name
    by_code = gettext("You allowed it with a code that a device showed")
    how = stands_on(made) or (by_code if made.consent else gettext("Your organisation allowed this"))
    lines = [
        sentence(made, now=now, time_zone=made.tenant.time_zone),
        f"{how}.",
        gettext("If you do not know of it, end it on that page; no new token is issued from that moment on."),
    ]
    subject = gettext("%(agent)s acts for you now") % {"agent": agent}
    return Words(subject, tuple(lines), path("my-agents"), gettext("Agents acting for you"))


def _renewer(entry: Entry) -> Iterable[Membership]:
    asked = delegation_of(entry)
    return [asked.member] if asked is not None and asked.member is not None else []


def _renews(entry: Entry, member: Membership) -> Words | None:
    asked, now = delegation_of(entry), timezone.now()
    if asked is None or asked.is_over(now) or asked.expires_at is None:
        return None
    agent = asked.agent.name if asked.agent else asked.client.name
    facts = {"person": entry.principal_label, "agent": agent}
    lines = (
        sentence(asked, now=now, time_zone=asked.tenant.time_zone),
        gettext("%(person)s asks you to look whether it should go on.") % facts,
        gettext("You can renew it on a page that shows what it allows; if you do nothing, it ends."),
    )
    subject = gettext("Renew or let go: %(person)s asks you about %(agent)s") % facts
    return Words(subject, lines, path("renew-access", asked.pk), gettext("Look and renew"))


ACTS_FOR_YOU = Kind(
    name="acts-for-you",
    title=gettext_lazy("An agent acts for you by somebody else's word, or from a new device"),
    events=frozenset({Event.DELEGATION_ALLOWED}),
    to=_whoever_may_not_know,
    words=_acts,
    is_once=True,
)
ASKED_TO_RENEW = Kind(
    name="asked-to-renew",
    title=gettext_lazy("Somebody asks you to renew what an agent may do for you"),
    events=frozenset({Event.DELEGATION_RENEWAL_ASKED}),
    to=_renewer,
    words=_renews,
)
ENDED_BY_OTHERS = Kind(
    name="ended-by-others",
    title=gettext_lazy("Somebody else ended what an agent may do for you"),
    events=frozenset({Event.DELEGATION_ENDED, Event.DELEGATION_RECALLED}),
    to=_person,
    words=_ended,
)
