"""The notice that somebody else made smaller what an agent may do: to whom it acts for, and to whoever owns the agent;
and that they took that back, to those who were told.
"""

from collections.abc import Iterable, Mapping

from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from audit.events import Event
from audit.models import Entry
from delegations.models import Delegation
from delegations.sentence import in_a_sentence, listed, place, sentence
from notices.kinds.delegations import delegation_of
from notices.kinds.kind import Kind, Words
from notices.links import path
from notices.models import Notice
from tenants.models import Membership
from tenants.rules import is_here, may_see_console

NAME = "narrowed-by-others"


def _whom_it_concerns(entry: Entry) -> Iterable[Membership]:
    found = delegation_of(entry)
    if found is None:
        return []
    owner = found.agent.owner if found.agent else None
    concerned = {each.pk: each for each in (found.member, owner) if each is not None and is_here(each)}
    return [each for each in concerned.values() if each.pk != entry.principal_id]


def _words(entry: Entry, member: Membership) -> Words | None:
    found = delegation_of(entry)
    if found is None or found.is_over(timezone.now()):
        return None  # That it is over is told by itself.
    agent = found.agent.name if found.agent else found.client.name
    facts = {"agent": agent, "by": entry.principal_label or gettext("your organisation")}
    if entry.event == Event.DELEGATION_PUT_BACK:
        subject, lines = gettext("%(agent)s may do again what it might before"), _taken_back(entry, member, facts)
    else:
        subject, lines = gettext("%(agent)s may do less now"), _smaller(entry, found, facts)
    if not lines:
        return None
    what_is_left = sentence(found, now=timezone.now(), time_zone=found.tenant.time_zone)
    said = [*lines, what_is_left, *_more(entry, found, member)]
    page = path("my-agents")
    if found.member_id != member.pk and may_see_console(member):
        page = path("console-delegation", found.pk)
    return Words(subject % facts, tuple(said), page, gettext("Look at it"))


def _smaller(entry: Entry, found: Delegation, facts: Mapping[str, str]) -> list[str]:
    """Return who took what away, and why; nothing where they took that back since."""
    if any(each.detail.get("undoes") == entry.pk for each in _put_back(found)):
        return []
    why = gettext("%(by)s allowed it less: %(reason)s.") if entry.reason else gettext("%(by)s allowed it less.")
    taken = [_title(found, name) for name in entry.detail.get("receipt", {}).get("taken", ())]
    what = gettext("It may no longer %(taken)s at %(place)s.") if taken else gettext("It ends earlier now.")
    named = {**facts, "reason": entry.reason, "taken": listed(taken), "place": place(found)}
    return [why % named, what % named]


def _taken_back(entry: Entry, member: Membership, facts: Mapping[str, str]) -> list[str]:
    """Return that it is as it was, to whoever was told that it was not."""
    told = Notice.objects.filter(entry_id=entry.detail.get("undoes", ""), kind=NAME, recipient=member)
    if not told.filter(state=Notice.State.SENT).exists():
        return []
    return [gettext("%(by)s took back that it may do less.") % facts]


def _more(entry: Entry, found: Delegation, member: Membership) -> Iterable[str]:
    if entry.event == Event.DELEGATION_PUT_BACK:
        return
    if found.member_id == member.pk and not found.depth:
        agent = found.agent.name if found.agent else found.client.name
        yield gettext("If you still need it, start again from %(agent)s; it asks you anew.") % {"agent": agent}
    else:
        yield gettext("You are told because it acts for you, or you own it.")


def _put_back(found: Delegation) -> Iterable[Entry]:
    return Entry.objects.filter(about_kind="delegation", about_id=found.pk, event=Event.DELEGATION_PUT_BACK)


def _title(found: Delegation, name: str) -> str:
    known = found.resource_server.scopes.all() if found.resource_server else ()
    return next((in_a_sentence(scope.title) for scope in known if scope.name == name), name)


NARROWED_BY_OTHERS = Kind(
    name=NAME,
    title=gettext_lazy("Somebody else made smaller what an agent may do for you, or an agent that you own"),
    events=frozenset({Event.DELEGATION_NARROWED, Event.DELEGATION_PUT_BACK}),
    to=_whom_it_concerns,
    words=_words,
)
