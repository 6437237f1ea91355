"""The console's sections: listed once, shown where the page exists and the member's role may see it.

A page joins by taking the URL name that stands here; pages below its path count as the same section.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy

from agents import owning
from agents.models import Approval
from tenants.models import Membership
from tenants.roles import Act, may
from tenants.rules import may_see_console
from tokens.endpoints.request import MemberRequest


def _waiting(request: MemberRequest) -> int:
    """Return how many questions wait; a page that says so itself has counted them already."""
    said: int | None = getattr(request, "waiting", None)
    return Approval.objects.filter(status=Approval.Status.WAITING).count() if said is None else said


def _sees_agents(member: Membership) -> bool:
    """Say whether there are agents that a member may look at; asked once for a member as a request knows them."""
    if may_see_console(member):
        return True
    if not hasattr(member, "owns_agents"):
        member.owns_agents = owning.theirs(member).exists()  # type: ignore[attr-defined]  # Asked once a page.
    return bool(member.owns_agents)  # type: ignore[attr-defined]  # As above.


@dataclass(frozen=True, slots=True)
class Section:
    """A page of the navigation: its URL's name, what it is called, its icon, who may see it, and what it counts.

    `also` names pages that belong to it and lie elsewhere; `is_root` that all others lie below it, and are not of it.
    """

    url_name: str
    label: str | Promise
    icon: str
    may_see: Callable[[Membership], bool] = may_see_console
    count: Callable[[MemberRequest], int] | None = None
    also: tuple[str, ...] = ()
    is_root: bool = False


SECTIONS: tuple[tuple[str | Promise, tuple[Section, ...]], ...] = (
    (
        "",
        (
            Section("console-overview", gettext_lazy("Overview"), "home", _sees_agents, is_root=True),
            Section("console-approvals", gettext_lazy("Approvals"), "inbox", count=_waiting),
            Section("console-agents", gettext_lazy("Agents"), "bot", _sees_agents),
            Section("console-delegations", gettext_lazy("Delegations"), "link", _sees_agents, also=("jobs",)),
            Section("console-activity", gettext_lazy("Activity"), "lines", partial(may, act=Act.EVENTS_READ)),
        ),
    ),
    (
        gettext_lazy("Rules"),
        (
            Section("console-resources", gettext_lazy("Resources"), "server", partial(may, act=Act.RESOURCES_READ)),
            Section("console-ways-in", gettext_lazy("Ways in"), "door"),
            Section("console-policies", gettext_lazy("Policies"), "shield"),
            Section("console-trust", gettext_lazy("Trust"), "globe", partial(may, act=Act.TRUST_READ)),
            Section("console-keys", gettext_lazy("Keys"), "key"),
            Section("console-check", gettext_lazy("Access check"), "check-access"),
        ),
    ),
    (
        gettext_lazy("Organisation"),
        (
            Section("console-members", gettext_lazy("Members"), "people", partial(may, act=Act.MEMBERS_READ)),
            Section("console-webhooks", gettext_lazy("Webhooks"), "arrow", partial(may, act=Act.WEBHOOKS_READ)),
            Section("console-settings", gettext_lazy("Settings"), "gear", partial(may, act=Act.SETTINGS_READ)),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Link:
    """A section as a page shows it; `current` is the value of aria-current, or nothing."""

    url: str
    label: str | Promise
    icon: str
    current: str
    count: int


@dataclass(frozen=True, slots=True)
class Navigation:
    """Links in groups with their headings, the first of them, and the first that has something waiting."""

    groups: tuple[tuple[str | Promise, tuple[Link, ...]], ...]

    @property
    def first(self) -> Link | None:
        """Where the console begins for a member: most people have no overview."""
        return next((link for _, links in self.groups for link in links), None)

    @property
    def waiting(self) -> Link | None:
        return next((link for _, links in self.groups for link in links if link.count), None)


def of(request: MemberRequest) -> Navigation:
    """Return what a member may open, and where they are."""
    urls = {
        section.url_name: url
        for _, sections in SECTIONS
        for section in sections
        if section.may_see(request.member) and (url := _url(section.url_name))
    }
    groups = (
        (heading, tuple(_link(each, urls[each.url_name], request) for each in found))
        for heading, sections in SECTIONS
        if (found := [section for section in sections if section.url_name in urls])
    )
    return Navigation(tuple(groups))


def lazily(request: MemberRequest) -> "SimpleLazyObject[Navigation]":
    """Return the same, asked for only where a page shows it."""
    return SimpleLazyObject(partial(of, request))


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:  # This release has no such page.
        return ""


def _is_in(path: str, section: Section) -> bool:
    """Say whether a page belongs to a section: it lies at or below one of the section's own."""
    urls = [url for name in (section.url_name, *section.also) if (url := _url(name))]
    return path in urls or (not section.is_root and path.startswith(tuple(f"{url}/" for url in urls)))


def _link(section: Section, url: str, request: MemberRequest) -> Link:
    current = "page" if request.path == url else "true" if _is_in(request.path, section) else ""
    return Link(url, section.label, section.icon, current, section.count(request) if section.count else 0)
