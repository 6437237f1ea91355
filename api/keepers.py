"""People who look after a tenant, and act through an app that they let do so."""

from typing import TYPE_CHECKING

from django.http import Http404
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from agents import owning
from api.permissions import HoldsScope
from audit.principals import Kind, Principal
from tenants.models import Membership
from tenants.roles import Act, may
from tokens.bearer import Bearer

if TYPE_CHECKING:  # The framework imports this module while it makes APIView.
    from rest_framework.views import APIView


class ForRoles(HoldsScope):
    """The token holds the scope and speaks for a person whose role, at this moment, allows it (`tenants.roles`).

    A view names what it lets do for each method (`acts = {"GET": Act.TRUST_READ}`); what it does not name, nobody may.
    An agent's own token speaks for no person, and never gets here.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not super().has_permission(request, view):
            return False
        member, act = speaks_for(request), self.act(view, request.method or "")
        return member is not None and act is not None and may(member, act)

    def act(self, view: "APIView", method: str) -> Act | None:
        """Return what a method of a view is a case of."""
        acts: dict[str, Act] = getattr(view, "acts", {})
        return acts.get("GET" if method == "HEAD" else method)


class ForOwners(ForRoles):
    """Whoever the role lets; and who owns the agent that the address names, for the methods that a view calls `owned`.

    To an owner another's agent is not there; to whoever owns none the address is as to everybody else.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if super().has_permission(request, view):
            return True
        is_let = HoldsScope.has_permission(self, request, view) and request.method in getattr(view, "owned", ())
        member = speaks_for(request) if is_let else None
        mine = set(owning.theirs(member).values_list("pk", flat=True)) if member is not None else set()
        if mine and view.kwargs.get("agent_id", next(iter(mine))) not in mine:
            raise Http404
        return bool(mine)


class ForReaders(HoldsScope):
    """The token holds the scope and speaks for a person of the tenant; the view says what that person may see."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return super().has_permission(request, view) and speaks_for(request) is not None


class ForKeepers(ForRoles):
    """Whoever looks after a tenant may look; an admin may change."""

    def act(self, view: "APIView", method: str) -> Act | None:
        return super().act(view, method) or (Act.AGENTS_READ if method in SAFE_METHODS else Act.AGENTS_PAUSE)


def member_of(request: Request) -> Membership:
    """Return the person for whom a token speaks, once a permission let them in."""
    member = speaks_for(request)
    assert member is not None
    return member


def voices(request: Request) -> frozenset[str]:
    """Return every agent that a token passes through."""
    assert isinstance(request.auth, Bearer)
    return frozenset(each.agent_id for each in request.auth.token.delegation.line if each.agent_id)


def by(request: Request) -> Principal:
    """Return the person as the ledger names them."""
    member = member_of(request)
    return Principal(Kind.USER, member.pk, member.name)


def speaks_for(request: Request) -> Membership | None:
    """Return the person for whom a token speaks, as long as their place is open."""
    assert isinstance(request.auth, Bearer)
    found = Membership.objects.select_related("user").filter(pk=request.auth.token.subject)
    return found.filter(status=Membership.Status.ACTIVE, user__is_active=True).first()
