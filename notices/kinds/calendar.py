"""Notices that the calendar brings: access that ends soon and may be renewed, and access that nobody uses any more."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from audit.events import Event
from audit.models import Entry
from delegations.sentence import in_words, place, sentence
from notices.kinds.delegations import delegation_of
from notices.kinds.kind import Kind, Words
from notices.links import path
from notices.watch import AHEAD
from tenants import directory
from tenants.models import Membership
from tenants.rules import is_here, may_see_console
from tokens import idleness, impact
from tokens.idleness import QUIET

MOST_NAMED = 10


def _whom_it_concerns(entry: Entry) -> Iterable[Membership]:
    """Return whom the agent acts for; where it acts for itself, its owner."""
    delegation = delegation_of(entry)
    if delegation is None:
        return []
    person = delegation.member or (delegation.agent.owner if delegation.agent else None)
    return [person] if person is not None else []


def _ends_soon(entry: Entry, member: Membership) -> Words | None:
    delegation, now = delegation_of(entry), timezone.now()
    if delegation is None or delegation.is_over(now) or delegation.expires_at is None:
        return None
    if delegation.expires_at - now > AHEAD:
        return None  # It was allowed for longer since.
    agent = delegation.agent.name if delegation.agent else delegation.client.name
    zone = delegation.tenant.time_zone
    is_own = delegation.member_id == member.pk
    when = in_words(delegation.expires_at, now=now, time_zone=zone)
    lines = (
        sentence(delegation, now=now, time_zone=zone),
        gettext("That ends %(when)s, and nothing goes on by itself.") % {"when": when},
        gettext("You can renew it on a page that shows what it allows; if you do nothing, it ends.")
        if is_own
        else gettext("Whoever looks after your organisation can allow it anew."),
    )
    if is_own:
        subject = gettext("Renew or let go: %(agent)s acts for you and that ends soon") % {"agent": agent}
        return Words(subject, lines, path("renew-access", delegation.pk), gettext("Look and renew"))
    page = path("console-delegation", delegation.pk) if may_see_console(member) else path("my-agents")
    subject = gettext("What %(agent)s may do ends soon") % {"agent": agent}
    return Words(subject, lines, page, gettext("Look at it"))


def _one(entry: Entry) -> Iterable[Membership]:
    """Return the person whom an entry is about, if they are here."""
    member = Membership.objects.select_related("user").filter(pk=entry.about_id).first()
    return [member] if member is not None and is_here(member) else []


def _gone_quiet(entry: Entry, member: Membership) -> Words | None:
    now = timezone.now()
    quiet = idleness.unused(now - QUIET, now=now)
    own = list(impact.with_use(quiet.filter(member=member).with_names()).order_by("-pk")[: MOST_NAMED + 1])
    counted = quiet.filter(agent__owner=member).exclude(member=member).order_by()
    owned = counted.values("agent", "agent__name").annotate(number=Count("pk"))
    by_agent = [(each["agent__name"], each["number"]) for each in owned.order_by("agent__name")[:MOST_NAMED]]
    if not own and not by_agent:
        return None
    lines = [*_own_lines(own, now), *_owned_lines(by_agent), *_what_follows()]
    is_own = bool(own) or not may_see_console(member)
    page = path("my-agents") if is_own else f"{path('console-delegations')}?unused_since={QUIET.days}d"
    subject = gettext("Nobody uses what these agents may do")
    return Words(subject, tuple(lines), page, gettext("Look through them"))


def _own_lines(own: "list[impact.UsedDelegation]", now: datetime) -> Iterable[str]:
    if own:
        yield gettext("For %(days)s days or more these did not act for you:") % {"days": QUIET.days}
    zone = directory.current().time_zone
    for each in own[:MOST_NAMED]:
        agent = each.agent.name if each.agent else each.client.name
        used = in_words(each.last_used_at, now=now, time_zone=zone) if each.last_used_at else gettext("never")
        facts = {"agent": agent, "where": place(each) or gettext("sign-in"), "when": used}
        yield gettext("- %(agent)s at %(where)s, last used: %(when)s") % facts
    if len(own) > MOST_NAMED:
        yield gettext("- and others, which the page lists.")


def _owned_lines(by_agent: list[tuple[str, int]]) -> Iterable[str]:
    if by_agent:
        yield gettext("Of agents that you own, people do not use what they allowed:")
    for name, number in by_agent:
        yield f"- {name}: {number}"


def _what_follows() -> Iterable[str]:
    days = directory.current().unused_days
    yield gettext("End on the page what is not needed. What it is needed for can be allowed again.")
    if days:
        yield gettext("What nobody uses for %(days)s days ends by itself.") % {"days": days}


ENDS_SOON = Kind(
    name="ends-soon",
    title=gettext_lazy("What an agent may do for you ends soon, and can be renewed"),
    events=frozenset({Event.DELEGATION_ENDS_SOON}),
    to=_whom_it_concerns,
    words=_ends_soon,
)
GONE_QUIET = Kind(
    name="gone-quiet",
    title=gettext_lazy("Agents that nobody uses any more, in one mail a week at most"),
    events=frozenset({Event.DELEGATIONS_QUIET}),
    to=_one,
    words=_gone_quiet,
)
