"""Who may open a page: a member, or a member who looks after the tenant."""

from collections.abc import Callable
from functools import wraps

from allauth.account.internal.flows.reauthentication import get_reauthentication_flows, is_reauthentication_required
from allauth.mfa.models import Authenticator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import urlencode

from agents import owning
from audit.principals import Kind, Principal
from console import kept
from console.entrance import proving
from console.needs import RoleLacking
from tenants.models import Membership
from tenants.roles import Act, may
from tenants.rules import may_see_console
from tokens.endpoints import freshness
from tokens.endpoints.request import MemberRequest, TenantRequest

View = Callable[..., HttpResponse]


def for_members(view: View) -> View:
    """Send whoever is not signed in to sign in, and back."""

    @wraps(view)
    def guarded(request: TenantRequest, *args: object, **kwargs: object) -> HttpResponse:
        if request.member is None:
            return _to_sign_in(request)
        response = view(request, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return guarded


def for_fresh_members(view: View) -> View:
    """Let in members who proved again, minutes ago, that it is them; send others to do so, and back to this page.

    Whoever has neither password nor factor proves it at their company, for an account that this tenant's provider made.
    What it says of a person's own account must not end in a factor, which would count wherever that person has a place.
    """

    @wraps(view)
    def guarded(request: MemberRequest, *args: object, **kwargs: object) -> HttpResponse:
        # Asked before allauth asks: it would keep the body of a POST in the session, and find no view to resume with.
        if is_reauthentication_required(request, app="allauth.mfa"):
            return prove_again(request, _page(request))
        if get_reauthentication_flows(request.member.user):
            return view(request, *args, **kwargs)
        if request.member.user.home_id is None:
            return render(request, "me/nothing_proves_it.html", status=403)
        return view(request, *args, **kwargs) if is_present(request) else prove_again(request, _page(request))

    return for_members(guarded)


def for_present_members(view: View) -> View:
    """Let in members who proved minutes ago that it is them, signing in or again, by a factor where they have one."""

    @wraps(view)
    def guarded(request: MemberRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not is_present(request):
            return prove_again(request, _page(request))
        return view(request, *args, **kwargs)

    return for_members(guarded)


def is_present(request: MemberRequest) -> bool:
    """Say whether somebody proved minutes ago that it is them; what has a factor is not proved by a password."""
    return freshness.is_recent(request)


def must_prove_again(request: MemberRequest) -> bool:
    """Say whether somebody who set up a factor proved longer than minutes ago that it is them."""
    return Authenticator.objects.filter(user_id=request.member.user_id).exists() and not is_present(request)


def prove_again(request: MemberRequest, page: str) -> HttpResponse:
    """Send somebody to prove that it is them, and then to a page."""
    place = resolve_url(page)
    proving.keep(request, place)
    return _leave(request, f"{resolve_url('account_reauthenticate')}?{urlencode({'next': place})}")


def for_act(act: Act) -> Callable[[View], View]:
    """Let in members whose role lets them do something (`tenants.roles`); the view says what, as `act`."""

    def guard(view: View) -> View:
        guarded = _for_whom(lambda member: may(member, act), act, view)
        guarded.act = act  # type: ignore[attr-defined]  # Read by whoever walks the addresses.
        return guarded

    return guard


def for_agent(act: Act) -> Callable[[View], View]:
    """Let in members whose role lets them do something with every agent, and who owns the one that is named."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: MemberRequest, agent_id: str, *args: object, **kwargs: object) -> HttpResponse:
            if not may(request.member, act):
                mine = set(owning.theirs(request.member).values_list("pk", flat=True))
                if not mine:
                    raise RoleLacking(act)
                if agent_id not in mine:
                    raise Http404
            return view(request, agent_id, *args, **kwargs)

        found = for_members(guarded)
        found.act = act  # type: ignore[attr-defined]  # As `for_act`.
        return found

    return guard


def for_owners(view: View) -> View:
    """Let in members who look after everybody's agents, and who own one; the view shows what they may see."""
    guarded = _for_whom(_sees_agents, Act.AGENTS_READ, view)
    guarded.act = Act.AGENTS_READ  # type: ignore[attr-defined]  # As `for_act`.
    return guarded


for_keepers = for_act(Act.AGENTS_READ)
"""Let in members who look after everybody's agents."""
for_admins = for_act(Act.AGENTS_PAUSE)
"""Let in members who decide on everybody's agents."""
for_deciders = for_act(Act.APPROVALS_DECIDE)
"""Let in members who approve agents."""


def principal(request: MemberRequest) -> Principal:
    """Return the member as the ledger names them."""
    return Principal(Kind.USER, request.member.pk, request.member.name)


def _to_sign_in(request: TenantRequest) -> HttpResponse:
    page = request.get_full_path()
    if request.method == "POST":
        kept.keep(request, kept.SIGNED_OUT)
        page = kept.page_of(request)
    elif "HX-Request" in request.headers:
        page = kept.page_of(request)  # It asked for a part of one.
    return _leave(request, f"{resolve_url('account_login')}?{urlencode({'next': page})}")


def _page(request: MemberRequest) -> str:
    """Return where somebody comes back to who has to prove first that it is them; keep what they typed."""
    if request.method != "POST":
        return request.get_full_path()
    kept.keep(request, kept.PROVED)
    return kept.page_of(request)


def _leave(request: TenantRequest, url: str) -> HttpResponse:
    # A script that exchanges part of a page would follow a redirect into that part: it is told to leave the page.
    return HttpResponse(headers={"HX-Redirect": url}) if "HX-Request" in request.headers else redirect(url)


def _sees_agents(member: Membership) -> bool:
    return may_see_console(member) or owning.theirs(member).exists()


def _for_whom(may: Callable[[Membership], bool], act: Act, view: View) -> View:
    @wraps(view)
    def guarded(request: MemberRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not may(request.member):
            raise RoleLacking(act)
        return view(request, *args, **kwargs)

    return for_members(guarded)
