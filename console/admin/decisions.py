"""What an approver typed into a card, read; and kept where they have to prove first that it is them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, ngettext

from agents import admission
from agents.errors import BadLimits, Unusable
from console import kept, people
from kit import moments
from tenants import directory
from tenants.models import Membership, Tenant
from tokens.endpoints.request import MemberRequest

ANYTHING = "anything"
GROUP = "group:"
LONGEST = {
    "3600": gettext_lazy("1 hour"),
    "28800": gettext_lazy("8 hours"),
    "86400": gettext_lazy("1 day"),
    "604800": gettext_lazy("7 days"),
    "2592000": gettext_lazy("30 days"),
}
_KEPT, _TOLD, _TOLD_OF_MANY = "kept_decision", "told_decision", "told_decisions"
KEPT_FOR = timedelta(minutes=10)


def said(post: QueryDict, name: str) -> str:
    """Return a field as text that can be stored."""
    return str(post.get(name, "")).replace("\x00", "")


def version(post: QueryDict) -> int:
    """Return the version of the question that the approver read."""
    text = post.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 9 else 0


def owner(post: QueryDict) -> Membership:
    """Return the owner that was named; raises BadLimits."""
    text = said(post, "owner")
    if not text.strip():
        raise BadLimits({"owner": gettext("Say who answers for it.")})
    if (found := people.named(text)) is None:
        raise BadLimits({"owner": gettext("Nobody here has this address: %(words)s.") % {"words": text[:200]}})
    return found


def assignee(post: QueryDict) -> Membership | None:
    """Return who is to decide, or None where nobody in particular is; raises Unusable."""
    if not (text := said(post, "to")):
        return None
    found = Membership.objects.select_related("user").filter(pk=text).first()
    if found is None:
        raise Unusable(gettext("Choose somebody who may decide."))
    return found


def limits(post: QueryDict, tenant: Tenant) -> dict[str, Any]:
    """Return the limits as `admission.approve` takes them; raises BadLimits for what cannot be read."""
    return {"ceiling": None if post.get("extent") == ANYTHING else _ticked(post), **narrower(post, tenant)}


def narrower(post: QueryDict, tenant: Tenant) -> dict[str, Any]:
    """Return for whom, for how long each time and until when, likewise; raises BadLimits for what cannot be read."""
    return {
        "people": people_of(post.getlist("people")),
        "longest": _longest(post),
        "until": end_of(said(post, "until"), tenant),
    }


def people_of(chosen: Iterable[str]) -> Mapping[str, list[str]] | None:
    """Return the people and groups that were chosen, or None for whoever allows it.

    Each is a group behind its prefix, or addresses with commas between them; raises BadLimits for an address of nobody.
    """
    kept = [each.replace("\x00", "") for each in chosen]
    groups = [each.removeprefix(GROUP) for each in kept if each.startswith(GROUP)]
    try:
        members = people.all_named(",".join(each for each in kept if not each.startswith(GROUP)))
    except Unusable as refusal:
        raise BadLimits({"people": str(refusal)}) from refusal
    return {"members": [each.pk for each in members], "groups": groups} if members or groups else None


def lifetimes(tenant: Tenant) -> list[tuple[str, Any]]:
    """Return how long people may be let allow it: seconds, and the words."""
    most = timedelta(days=tenant.longest_delegation_days).total_seconds()
    return [(value, label) for value, label in LONGEST.items() if int(value) <= most]


def span(seconds: int) -> str:
    """Return a length of time in words, in the largest unit that says all of it."""
    if (label := LONGEST.get(str(seconds))) is not None:
        return str(label)
    if seconds % 86400 == 0:
        return ngettext("%(n)s day", "%(n)s days", seconds // 86400) % {"n": seconds // 86400}
    if seconds % 3600 == 0:
        return ngettext("%(n)s hour", "%(n)s hours", seconds // 3600) % {"n": seconds // 3600}
    minutes = -(-seconds // 60)
    return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}


def end_of(text: str, tenant: Tenant) -> datetime | None:
    """Return the end of a day in the tenant's time zone, or None where nothing is said; raises BadLimits."""
    if not text:
        return None
    try:
        return moments.end_of_day(text, ZoneInfo(tenant.time_zone))
    except ValueError as error:
        raise BadLimits({"until": gettext("Write the day as 2027-12-31.")}) from error


def reason(post: QueryDict) -> str:
    """Return why an agent is denied: a reason that was chosen, own words, or both; raises Unusable for neither."""
    words = [admission.PRESETS.get(said(post, "preset"), ""), admission.words_of(said(post, "reason"))]
    together = " ".join(filter(None, words))
    if not together:
        raise Unusable(gettext("Say why: choose a reason or write one. Whoever asked for it reads it."))
    return together


def keep(request: MemberRequest, approval_id: str) -> None:
    """Keep what was typed in the session, until the approver comes back to it."""
    kept = {"id": approval_id, "typed": request.POST.urlencode(), "at": timezone.now().timestamp()}
    request.session[_KEPT] = kept


def take_kept(request: MemberRequest) -> tuple[str, QueryDict] | None:
    """Return what was kept, this once: the question, and what was typed about it."""
    kept = request.session.pop(_KEPT, None)
    if kept is None or timezone.now().timestamp() - kept["at"] > KEPT_FOR.total_seconds():
        return None
    return kept["id"], QueryDict(kept["typed"])


def typed_before(request: MemberRequest, **of: str) -> tuple[str, QueryDict] | None:
    """Return what this person typed into a card before they had to sign in, this once; `of` names which card."""
    found = kept.take(request, "approve", "deny", "ask-about", **of)
    return (found[0]["approval_id"], found[1]) if found else None


def forget_kept(request: MemberRequest) -> None:
    """Drop what was kept."""
    request.session.pop(_KEPT, None)


def tell(request: MemberRequest, approval_id: str) -> None:
    """Let the next page say in the place of the card what was just decided."""
    request.session[_TOLD] = approval_id


def take_told(request: MemberRequest) -> str:
    """Return the question that was decided just now, this once; or nothing."""
    return str(request.session.pop(_TOLD, ""))


def tell_of_many(request: MemberRequest, words: str) -> None:
    """Let the next page say what was decided on several questions at once."""
    request.session[_TOLD_OF_MANY] = words


def take_told_of_many(request: MemberRequest) -> str:
    """Return what was said of several questions, this once; or nothing."""
    return str(request.session.pop(_TOLD_OF_MANY, ""))


def _ticked(post: QueryDict) -> dict[str, list[str]]:
    """Return the ceiling that the boxes say; what no resource of the tenant has is left out."""
    chosen: dict[str, list[str]] = defaultdict(list)
    for each in post.getlist("scope"):
        resource, _, scope = each.rpartition(" ")
        protected = directory.resource_server(resource)
        if protected is not None and scope in protected.scopes:
            chosen[resource].append(scope)
    return dict(chosen)


def _longest(post: QueryDict) -> timedelta | None:
    text = said(post, "longest")
    if not text:
        return None
    if not text.isdecimal() or len(text) > 9:
        raise BadLimits({"longest": gettext("Choose how long one of the list.")})
    return timedelta(seconds=int(text))
