"""What somebody may not do, said where they look for it: which role it takes, and whom to ask for that."""

from collections.abc import Sequence

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext

from console import navigation
from tenants.models import Membership
from tenants.roles import Act, holders, may, who_may
from tokens.endpoints.request import MemberRequest


class RoleLacking(PermissionDenied):
    """A member's role does not let them do something."""

    def __init__(self, act: Act) -> None:
        super().__init__(act.value)
        self.act = act


class Needs:
    """For a template: `needs.AGENTS_WRITE` is what a member lacks for it, or nothing where they lack nothing."""

    def __init__(self, member: Membership) -> None:
        self._member = member

    def __getitem__(self, name: str) -> str:
        act = Act[name]
        if may(self._member, act):
            return ""
        words = {"role": holders(act)[0].label, "names": ", ".join(self.admins[:1])}
        return (gettext("Needs %(role)s; ask %(names)s.") if self.admins else gettext("Needs %(role)s.")) % words

    @cached_property
    def admins(self) -> Sequence[str]:
        """A few of those who give roles."""
        here = Membership.objects.filter(status=Membership.Status.ACTIVE).select_related("user").order_by("pk")
        return [str(each) for each in here.filter(who_may(Act.ADMINS_APPOINT, now=timezone.now()))[:3]]


def handler403(request: MemberRequest, exception: Exception) -> HttpResponse:
    """Say which role a page takes and who gives it: among the pages that the member has, where they have any."""
    act = exception.act if isinstance(exception, RoleLacking) else None
    member: Membership | None = getattr(request, "member", None)
    content = {"roles": [role.label for role in holders(act)] if act else []}
    inside = bool(act and member and navigation.of(request).groups)
    response = render(request, "console/refused.html" if inside else "403.html", content, status=403)
    response.headers["Cache-Control"] = "no-store"
    return response
