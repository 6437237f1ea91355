"""`/me/agents/<id>/renew`: a person looks at what they allowed and ends soon, and allows it anew, or lets it end.

The page is the consent page, and what it does is a consent. Opening it does nothing: a mail leads here.
"""

from dataclasses import replace

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from agents.models import Agent, Client
from audit.principals import Kind, Principal
from delegations.errors import AlreadyDecided
from delegations.models import Delegation
from kit import opaque
from tokens import actions, renewal
from tokens.asking import Asked
from tokens.endpoints import consent_page, problem_page
from tokens.endpoints.authorize import check_client
from tokens.endpoints.device_page import for_members
from tokens.endpoints.problem_page import Unanswerable
from tokens.endpoints.request import MemberRequest

HANDLES = "renewals"


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
def view(request: MemberRequest, delegation_id: str) -> HttpResponse:
    if not Delegation.objects.of(request.member).filter(pk=delegation_id).exists():
        raise Http404
    delegations = renewal.live(request.member, delegation_id)
    if not delegations:
        raise Unanswerable(problem_page.nothing_to_renew())
    asked = renewal.asked(delegations, _client(request, delegations[0].client))
    if asked is None:
        raise Unanswerable(problem_page.nothing_to_renew())
    if request.method == "POST":
        return _decide(request, delegations, asked)
    return _show(request, delegations, asked)


def _show(request: MemberRequest, delegations: list[Delegation], asked: Asked) -> HttpResponse:
    now, known = timezone.now(), request.session.get(HANDLES, [])
    page = consent_page.build(request.tenant, request.member, asked, now=now)
    handle = actions.hold_request(asked, member=request.member, shown=page.as_shown(), now=now)
    request.session[HANDLES] = [*known[-9:], opaque.digest(handle)]
    switch = f"{resolve_url('account_logout')}?{urlencode({'next': request.get_full_path()})}"
    ends = min((each.expires_at for each in delegations if each.expires_at is not None), default=None)
    content = {"page": page.with_handle(handle), "switch_account_url": switch, "ends_at": ends}
    return render(request, "oauth/renewal.html", content)


def _decide(request: MemberRequest, delegations: list[Delegation], asked: Asked) -> HttpResponse:
    handle = request.POST.get("handle", "")
    held = renewal.held(handle, member=request.member)
    is_ours = held is not None and opaque.digest(handle) in request.session.get(HANDLES, [])
    if held is None or not is_ours or held.client_id != asked.client.pk or held.expires <= timezone.now():
        raise Unanswerable(problem_page.expired())
    if held.decided_at is not None:
        raise AlreadyDecided(held.pk)
    by = Principal(Kind.USER, request.member.pk, request.member.name)
    agreement = consent_page.agreement(request, held.shown, asked, request.member)
    if agreement is None:
        renewal.leave(held, by=by)
        return redirect("my-agents")
    # It goes where the person let it return to before: that was not asked anew.
    before = delegations[0].consent
    assert before is not None
    renewal.renew(held, replace(agreement, redirect_host=before.redirect_host), by=by)
    return redirect("my-agents")


def _client(request: MemberRequest, known: Client) -> Client:
    """Return the client as it is now, where it may ask this person; raises Unanswerable."""
    client = check_client(known.client_id)
    agent = client.agent
    if agent is not None and (agent.status != Agent.Status.ACTIVE or agent.waits(timezone.now())):
        raise Unanswerable(problem_page.waits(agent))
    if agent is not None and not agent.may_act_for(request.member):
        raise Unanswerable(problem_page.for_others(agent))
    return client
