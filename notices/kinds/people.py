"""Notices about a person's own place, to the person whoever did it: what to do if it was not them."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from audit.events import Event
from audit.models import Entry
from audit.principals import Kind as KindOfPrincipal
from delegations.sentence import in_words
from notices.kinds.kind import Kind, Words
from notices.links import path
from tenants import directory
from tenants.models import Membership
from tenants.roles import Act, may
from tenants.rules import is_here


def _themselves(entry: Entry) -> Iterable[Membership]:
    return Membership.objects.select_related("user").filter(pk=entry.about_id)


def _they_and_keepers(entry: Entry) -> Iterable[Membership]:
    """Return whose role it is, and who gives roles, but for whoever gave this one."""
    here = Membership.objects.filter(status=Membership.Status.ACTIVE, user__is_active=True).select_related("user")
    keepers = [member for member in here.order_by("pk") if may(member, Act.MEMBERS_WRITE)]
    return [*_themselves(entry), *(each for each in keepers if each.pk != entry.principal_id)]


def _role_changed(entry: Entry, member: Membership) -> Words | None:
    before, after = (Membership.Role(entry.detail[name]).label for name in ("before", "after"))
    is_own = member.pk == entry.about_id
    by = entry.principal_label or gettext("somebody")
    until = _when(entry.detail["until"]) if "until" in entry.detail else ""
    facts = {"person": entry.about_label, "before": before, "after": after, "by": by, "when": until}
    if is_own:
        subject, now = gettext("Your role was changed"), gettext("Your role is %(after)s now; it was %(before)s.")
    else:
        subject = gettext("The role of %(person)s was changed")
        now = gettext("The role of %(person)s is %(after)s now; it was %(before)s.")
    has_ended = entry.principal_kind == KindOfPrincipal.SYSTEM and "until_before" in entry.detail
    lines = [
        now,
        gettext("It had an end, and that has come.") if has_ended else gettext("%(by)s changed it."),
        *([gettext("It ends %(when)s; then a member is left of it.")] if until else []),
        gettext("If you did not expect that, ask them, or whoever looks after your organisation."),
    ]
    page, words = ("my-agents", gettext("Your pages")) if is_own else ("console-members", gettext("Members"))
    return Words(subject % facts, tuple(line % facts for line in lines), path(page), words)


def _role_ends_soon(entry: Entry, member: Membership) -> Words | None:
    whose = Membership.objects.select_related("user").filter(pk=entry.about_id).first()
    if whose is None or not is_here(whose) or whose.role_until is None or whose.role_now != whose.role:
        return None
    facts = {"person": str(whose), "role": whose.role_label, "when": _when(whose.role_until.isoformat())}
    if whose.pk == member.pk:
        lines = (
            gettext("Your role %(role)s ends %(when)s; what you own and allowed stays."),
            gettext("If you need it for longer, ask whoever gives roles in your organisation."),
        )
        subject, page, words = gettext("Your role ends soon"), "my-agents", gettext("Your pages")
    else:
        lines = (
            gettext("The role %(role)s of %(person)s ends %(when)s, and nothing goes on by itself."),
            gettext("If it is needed for longer, say so on that page; if you do nothing, it ends."),
        )
        subject = gettext("The role of %(person)s ends soon")
        page, words = "console-members", gettext("Members")
    return Words(subject % facts, tuple(line % facts for line in lines), path(page), words)


def _when(moment: str) -> str:
    return in_words(datetime.fromisoformat(moment), now=timezone.now(), time_zone=directory.current().time_zone)


def _factors_changed(entry: Entry, member: Membership) -> Words | None:
    what = str(_WHAT[entry.event])
    lines = (
        what,
        gettext("If that was you, there is nothing to do."),
        gettext("If it was not, open that page, take away what you do not know, and tell your admins."),
    )
    return Words(what.rstrip("."), lines, path("mfa_index"), gettext("Sign-in and security"))


_WHAT: Mapping[str, str | Promise] = {
    Event.FACTOR_ADDED.value: gettext_lazy("A way to sign in was added to you."),
    Event.FACTOR_REMOVED.value: gettext_lazy("A way to sign in was taken from you."),
    Event.RECOVERY_CODE_USED.value: gettext_lazy("Somebody signed in as you with a recovery code."),
}
ROLE_CHANGED = Kind(
    name="role-changed",
    title=gettext_lazy("Somebody has another role"),
    events=frozenset({Event.MEMBER_ROLE_CHANGED}),
    to=_they_and_keepers,
    words=_role_changed,
)
ROLE_ENDS_SOON = Kind(
    name="role-ends-soon",
    title=gettext_lazy("A role ends soon, yours or one that you may give"),
    events=frozenset({Event.MEMBER_ROLE_ENDS_SOON}),
    to=_they_and_keepers,
    words=_role_ends_soon,
)
FACTORS_CHANGED = Kind(
    name="factors-changed",
    title=gettext_lazy("How you sign in was changed, or a recovery code was used"),
    events=frozenset({Event.FACTOR_ADDED, Event.FACTOR_REMOVED, Event.RECOVERY_CODE_USED}),
    to=_themselves,
    words=_factors_changed,
    is_always=True,
)
