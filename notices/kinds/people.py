"""Notices about a person's own place, to the person whoever did it: what to do if it was not them."""

from collections.abc import Iterable, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from audit.events import Event
from audit.models import Entry
from notices.kinds.kind import Kind, Words
from notices.links import path
from tenants.models import Membership
from tenants.roles import Act, may


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
    facts = {"person": entry.about_label, "before": before, "after": after, "by": by}
    if is_own:
        subject, now = gettext("Your role was changed"), gettext("Your role is %(after)s now; it was %(before)s.")
    else:
        subject = gettext("The role of %(person)s was changed")
        now = gettext("The role of %(person)s is %(after)s now; it was %(before)s.")
    lines = (
        now % facts,
        gettext("%(by)s changed it.") % facts,
        gettext("If you did not expect that, ask them, or whoever looks after your organisation."),
    )
    page, words = ("my-agents", gettext("Your pages")) if is_own else ("console-members", gettext("Members"))
    return Words(subject % facts, lines, path(page), words)


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
FACTORS_CHANGED = Kind(
    name="factors-changed",
    title=gettext_lazy("How you sign in was changed, or a recovery code was used"),
    events=frozenset({Event.FACTOR_ADDED, Event.FACTOR_REMOVED, Event.RECOVERY_CODE_USED}),
    to=_themselves,
    words=_factors_changed,
    is_always=True,
)
